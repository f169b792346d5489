#include <cmath>
#include <filesystem>

#include <verge/engine/format/adapter/adapter_file.hpp>
#include <verge/engine/format/adapter/gguf_adapter.hpp>
#include <verge/engine/format/adapter/peft_adapter.hpp>

namespace verge::format {
namespace {

constexpr int64_t kMostRank = 4096;

Status check_tensor(const AdapterFile& file, const StoredTensor& tensor, const Shape& wanted) {
  if (!tensor.dtype) {
    return make_error(Code::Unsupported,
                      "{}: tensor {} has type {}, which cannot be read; convert the adapter again",
                      file.path, tensor.name, tensor.type_name);
  }
  if (tensor.shape == wanted) return {};
  return make_error(Code::Malformed,
                    "{}: tensor {} is {}, the base needs {}; use the adapter of this base",
                    file.path, tensor.name, tensor.shape.str(), wanted.str());
}

Status check_pair(const AdapterFile& file, const AdapterPair& pair, const ModelSource& base) {
  const StoredTensor* weight = base.find(pair.weight);
  if (weight == nullptr) {
    return make_error(Code::Malformed,
                      "{}: tensor {} changes {}, which {} does not have; use the adapter of this "
                      "base",
                      file.path, pair.a.name, pair.weight, base.path);
  }
  if (weight->shape.rank() != 2) {
    return make_error(Code::Unsupported,
                      "{}: tensor {} changes {} of shape {}; only matrices can have adapters",
                      file.path, pair.a.name, pair.weight, weight->shape.str());
  }
  const int64_t rank = pair.a.shape.rank() == 2 ? pair.a.shape[0] : 0;
  if (rank < 1 || rank > kMostRank) {
    return make_error(Code::Malformed, "{}: tensor {} is {}, expected [rank, {}] of rank 1 to {}",
                      file.path, pair.a.name, pair.a.shape.str(), weight->shape[1], kMostRank);
  }
  VERGE_RETURN_IF_ERROR(check_tensor(file, pair.a, {rank, weight->shape[1]}));
  VERGE_RETURN_IF_ERROR(check_tensor(file, pair.b, {weight->shape[0], rank}));
  if (std::isfinite(pair.scale)) return {};
  return make_error(Code::Malformed, "{}: tensor {} is scaled by {}; check alpha", file.path,
                    pair.a.name, pair.scale);
}

}  // namespace

Result<AdapterFile> AdapterFile::open(const std::string& path, const ModelSource& base) {
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(path, error);
  VERGE_TRY(AdapterFile file,
            is_folder ? open_peft_adapter(path, base) : open_gguf_adapter(path, base));
  if (file.pairs.empty()) {
    return make_error(Code::Malformed, "{}: no pair of A and B; the adapter changes nothing", path);
  }
  for (const AdapterPair& pair : file.pairs) {
    VERGE_RETURN_IF_ERROR(check_pair(file, pair, base));
  }
  return file;
}

}  // namespace verge::format
