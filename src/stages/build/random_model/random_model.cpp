#include <algorithm>
#include <array>
#include <vector>

#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/quant/quantize.hpp>
#include <verge/stages/build/random_model/metadata.hpp>
#include <verge/stages/build/random_model/random_model.hpp>
#include <verge/stages/build/random_model/weights.hpp>

namespace verge::build {
namespace {

constexpr int64_t kChunkBytes = 8 << 20;

constexpr std::array<std::string_view, 8> kArchitectures = {"llama", "qwen2",  "qwen3",  "qwen3moe",
                                                            "gemma", "gemma2", "gemma3", "phi3"};
// Those that know no head_dim of its own.
constexpr std::array<std::string_view, 2> kHeadsFillModel = {"qwen2", "phi3"};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Status check_architecture(const RandomModelSpec& spec) {
  if (!contains(kArchitectures, spec.architecture)) {
    return make_error(Code::InvalidArgument, "architecture {} is unknown; known are {}",
                      spec.architecture, fmt::join(kArchitectures, ", "));
  }
  if (contains(kHeadsFillModel, spec.architecture) && spec.heads * spec.head_dim != spec.d_model) {
    return make_error(Code::InvalidArgument,
                      "{} heads of {} are not d_model {}; {} needs heads * head_dim = d_model",
                      spec.heads, spec.head_dim, spec.d_model, spec.architecture);
  }
  const bool takes_experts = spec.architecture == "llama" || spec.architecture == "qwen3moe";
  if (takes_experts ? spec.architecture == "qwen3moe" && spec.experts == 0 : spec.experts > 0) {
    return make_error(Code::InvalidArgument, "experts is {}, which {} does not allow", spec.experts,
                      spec.architecture);
  }
  return {};
}

Status check_shape(const RandomModelSpec& spec) {
  const std::pair<const char*, int> sizes[] = {
      {"d_model", spec.d_model},   {"layers", spec.layers}, {"heads", spec.heads},
      {"kv_heads", spec.kv_heads}, {"ffn", spec.ffn},       {"context", spec.context}};
  for (const auto& [field, size] : sizes) {
    if (size <= 0)
      return make_error(Code::InvalidArgument, "{} is {}; it must be > 0", field, size);
  }
  if (spec.heads % spec.kv_heads != 0) {
    return make_error(Code::InvalidArgument, "{} heads cannot share {} kv_heads evenly", spec.heads,
                      spec.kv_heads);
  }
  if (spec.head_dim <= 0 || spec.head_dim % 2 != 0) {
    return make_error(Code::InvalidArgument, "head_dim is {}; RoPE turns pairs: make it even",
                      spec.head_dim);
  }
  if (spec.experts_used > spec.experts || (spec.experts > 0 && spec.experts_used <= 0)) {
    return make_error(Code::InvalidArgument, "experts_used is {} of {} experts", spec.experts_used,
                      spec.experts);
  }
  return {};
}

/// Hands the tensor to the sink in chunks of whole rows.
Status produce(WeightSource& weights, const RandomTensor& tensor, int index,
               std::vector<std::byte>& buffer, const format::ByteSink& sink) {
  const int64_t row_bytes = bytes_of(tensor.dtype, tensor.shape.back());
  const int64_t rows = tensor.shape.rows();
  const int64_t chunk = std::clamp<int64_t>(kChunkBytes / row_bytes, 1, rows);
  buffer.resize(static_cast<size_t>(chunk * row_bytes));
  for (int64_t row = 0; row < rows; row += chunk) {
    const int64_t count = std::min(chunk, rows - row);
    weights.fill(tensor, index, row, count, buffer.data());
    VERGE_RETURN_IF_ERROR(sink(std::span(buffer).first(static_cast<size_t>(count * row_bytes))));
  }
  return {};
}

}  // namespace

Status write_random_model(const RandomModelSpec& spec, const std::string& path, ThreadPool& pool) {
  VERGE_RETURN_IF_ERROR(check_architecture(spec));
  VERGE_RETURN_IF_ERROR(check_shape(spec));
  VERGE_TRY(format::Metadata metadata, random_metadata(spec));
  const std::vector<RandomTensor> tensors = random_tensors(spec);
  WeightSource weights(spec.seed, pool);
  std::vector<std::byte> buffer;
  format::GgufWriter writer(std::move(metadata));
  for (size_t i = 0; i < tensors.size(); ++i) {
    const RandomTensor& tensor = tensors[i];
    if (!quant::can_quantize(tensor.dtype)) {
      return make_error(Code::Unsupported, "{}: values cannot be written as {}; take another type",
                        tensor.name, name(tensor.dtype));
    }
    const auto producer = [&weights, &tensor, &buffer, i](const format::ByteSink& sink) {
      return produce(weights, tensor, static_cast<int>(i), buffer, sink);
    };
    VERGE_RETURN_IF_ERROR(writer.add(tensor.name, tensor.dtype, tensor.shape, producer));
  }
  return writer.write(path);
}

}  // namespace verge::build
