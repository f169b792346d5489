#include <algorithm>
#include <limits>

#include <verge/engine/format/byte_reader.hpp>
#include <verge/engine/format/file_kind.hpp>
#include <verge/engine/format/safetensors/header.hpp>
#include <verge/engine/format/safetensors/reader.hpp>
#include <verge/engine/format/safetensors/types.hpp>

namespace verge::format {
namespace {

constexpr uint64_t kMaxHeader = 100'000'000;  // as the reference implementation
constexpr auto kMaxCount = static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / 8;

/// Bytes of the values, or nothing if the product overflows.
std::optional<uint64_t> checked_bytes(const SafetensorsEntry& entry, uint64_t value_bytes) {
  uint64_t count = 1;
  for (uint64_t extent : entry.shape) {
    if (extent > kMaxCount) return std::nullopt;
    if (extent != 0 && count > kMaxCount / extent) return std::nullopt;
    count *= extent;
  }
  return count * value_bytes;
}

Result<StoredTensor> make_tensor(const SafetensorsEntry& entry, std::span<const std::byte> data) {
  const auto type = safetensors_type(entry.type);
  if (!type) {
    return make_error(Code::Unsupported, "tensor {}: unknown dtype {}; a newer Verge may read it",
                      entry.name, entry.type);
  }
  const auto bytes = checked_bytes(entry, type->bytes);
  const std::vector<int64_t> extents(entry.shape.begin(), entry.shape.end());
  StoredTensor tensor;
  tensor.shape = Shape(extents);
  if (entry.begin > entry.end || bytes != entry.end - entry.begin) {
    return make_error(Code::Malformed,
                      "tensor {}: {} of shape {} does not fill data_offsets {} to {}; the file is "
                      "damaged: fetch it again",
                      entry.name, entry.type, tensor.shape.str(), entry.begin, entry.end);
  }
  if (entry.end > data.size()) {
    return make_error(Code::Malformed,
                      "tensor {}: ends at byte {} of the data, which has {}; the file is cut off: "
                      "fetch it again",
                      entry.name, entry.end, data.size());
  }
  tensor.name = entry.name;
  tensor.type_name = std::string(type->name);
  tensor.dtype = type->dtype;
  if (type->dtype) tensor.type_id = static_cast<uint32_t>(*type->dtype);
  tensor.offset = entry.begin;
  tensor.bytes = data.subspan(entry.begin, *bytes);
  return tensor;
}

/// Every byte of the data belongs to one tensor, as the reference implementation demands.
Status check_cover(std::vector<const SafetensorsEntry*> order, uint64_t data_bytes) {
  std::ranges::sort(order, {},
                    [](const SafetensorsEntry* e) { return std::pair(e->begin, e->end); });
  uint64_t end = 0;
  for (const SafetensorsEntry* entry : order) {
    if (entry->begin != end) {
      return make_error(Code::Malformed,
                        "tensor {}: starts at byte {} of the data, expected {}: tensors overlap or "
                        "leave a hole; the file is damaged: fetch it again",
                        entry->name, entry->begin, end);
    }
    end = entry->end;
  }
  if (end == data_bytes) return {};
  return make_error(Code::Malformed,
                    "data: {} bytes follow the last tensor; the file is damaged: fetch it again",
                    data_bytes - end);
}

}  // namespace

Result<Safetensors> Safetensors::parse(std::span<const std::byte> bytes, std::string_view path) {
  const FileKind kind = recognize(bytes);
  if (kind != FileKind::Safetensors) return wrong_kind(path, "safetensors", kind);
  Safetensors file;
  const Status status = file.read(bytes);
  if (status) return file;
  return make_error(status.error().code, "{}: {}", path, status.error().message);
}

Status Safetensors::read(std::span<const std::byte> bytes) {
  ByteReader in(bytes);
  VERGE_TRY(const uint64_t length, in.read<uint64_t>("header length"));
  if (length > kMaxHeader) {
    return make_error(Code::Malformed,
                      "header length is {}, more than the {} the format allows; {}", length,
                      kMaxHeader, "fetch the file again");
  }
  VERGE_TRY(const auto text, in.take(length, "header"));
  VERGE_TRY(SafetensorsHeader header,
            parse_safetensors_header({reinterpret_cast<const char*>(text.data()), text.size()}));
  const std::span<const std::byte> data = in.rest();
  std::vector<const SafetensorsEntry*> order;
  for (const SafetensorsEntry& entry : header.tensors) {
    VERGE_TRY(StoredTensor tensor, make_tensor(entry, data));
    tensors_.push_back(std::move(tensor));
    order.push_back(&entry);
  }
  VERGE_RETURN_IF_ERROR(check_cover(std::move(order), data.size()));
  for (size_t i = 0; i < tensors_.size(); ++i) index_.emplace(tensors_[i].name, i);
  metadata_ = std::move(header.metadata);
  return {};
}

Result<Safetensors> Safetensors::open(const std::string& path) {
  VERGE_TRY(MappedFile mapped, MappedFile::open(path));
  auto file = std::make_shared<const MappedFile>(std::move(mapped));
  VERGE_TRY(Safetensors out, parse(file->bytes(), path));
  out.file_ = std::move(file);
  return out;
}

const StoredTensor* Safetensors::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace verge::format
