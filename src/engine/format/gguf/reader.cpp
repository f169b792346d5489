#include <algorithm>
#include <optional>

#include <verge/engine/format/byte_reader.hpp>
#include <verge/engine/format/file_kind.hpp>
#include <verge/engine/format/gguf/reader.hpp>
#include <verge/engine/format/gguf/types.hpp>

namespace verge::format {
namespace {

constexpr int kMaxNesting = 4;                // of arrays in arrays; files in the wild have none
constexpr size_t kSmallestEntry = 8 + 4 + 1;  // empty key, type, one-byte value
constexpr size_t kSmallestTensor = 8 + 4 + 8 + 4 + 8;  // empty name, rank, one dim, type, offset
constexpr uint64_t kTrustedCount = 4096;               // room made before the items were seen

struct Header {
  uint32_t version = 0;
  uint64_t tensors = 0;
  uint64_t keys = 0;
};

Result<Header> read_header(ByteReader& in) {
  Header header;
  VERGE_TRY(const uint32_t magic, in.read<uint32_t>("magic"));
  VERGE_CHECK(magic == 0x46554747, magic);  // "GGUF", seen by recognize()
  VERGE_TRY(header.version, in.read<uint32_t>("version"));
  if ((header.version & 0xffff) == 0 && header.version != 0) {
    return make_error(Code::Unsupported,
                      "byte order: the file is big endian; fetch the little-endian model");
  }
  if (header.version != 2 && header.version != 3) {
    return make_error(Code::Unsupported, "version is {}, expected 2 or 3; {}", header.version,
                      header.version < 2 ? "convert the model again" : "a newer Verge may read it");
  }
  VERGE_TRY(header.tensors, in.read_count(kSmallestTensor, "tensor count"));
  VERGE_TRY(header.keys, in.read_count(kSmallestEntry, "key count"));
  return header;
}

Result<ValueType> read_type(ByteReader& in, std::string_view key) {
  VERGE_TRY(const uint32_t type, in.read<uint32_t>(key));
  if (type < kValueTypes) return static_cast<ValueType>(type);
  return make_error(Code::Malformed, "key {}: value type is {}, expected 0 to {}; fetch it again",
                    key, type, kValueTypes - 1);
}

Status check_bools(std::string_view key, std::span<const std::byte> bytes) {
  for (std::byte value : bytes) {
    if (std::to_integer<int>(value) > 1) {
      return make_error(Code::Malformed, "key {}: a bool is {}, expected 0 or 1; fetch it again",
                        key, std::to_integer<int>(value));
    }
  }
  return {};
}

Status skip_items(ByteReader& in, std::string_view key, ValueType element, uint64_t count,
                  int depth);

/// Reads an array; its items stay where they lie.
Status read_array(ByteReader& in, std::string_view key, int depth, Value& value) {
  if (depth > kMaxNesting) {
    return make_error(Code::Malformed, "key {}: arrays nest deeper than {}; fetch it again", key,
                      kMaxNesting);
  }
  VERGE_TRY(value.element, read_type(in, key));
  const size_t smallest = value.element == ValueType::String  ? 8
                          : value.element == ValueType::Array ? 12
                                                              : bytes_of(value.element);
  VERGE_TRY(value.count, in.read_count(smallest, key));
  const std::span<const std::byte> rest = in.rest();
  VERGE_RETURN_IF_ERROR(skip_items(in, key, value.element, value.count, depth));
  value.bytes = rest.first(rest.size() - in.remaining());
  return {};
}

Status skip_items(ByteReader& in, std::string_view key, ValueType element, uint64_t count,
                  int depth) {
  if (const size_t size = bytes_of(element); size > 0) {
    VERGE_TRY(const auto items, in.take(count * size, key));
    return element == ValueType::Bool ? check_bools(key, items) : Status();
  }
  for (uint64_t i = 0; i < count; ++i) {
    if (element == ValueType::String) {
      VERGE_TRY([[maybe_unused]] const auto text, in.read_string(key));
    } else {
      Value inner;
      VERGE_RETURN_IF_ERROR(read_array(in, key, depth + 1, inner));
    }
  }
  return {};
}

Result<Value> read_value(ByteReader& in, std::string_view key) {
  Value value;
  VERGE_TRY(value.type, read_type(in, key));
  if (value.type == ValueType::String) {
    VERGE_TRY(const std::string_view text, in.read_string(key));
    value.bytes = std::as_bytes(std::span(text));
  } else if (value.type == ValueType::Array) {
    VERGE_RETURN_IF_ERROR(read_array(in, key, 1, value));
  } else {
    VERGE_TRY(value.bytes, in.take(bytes_of(value.type), key));
    if (value.type == ValueType::Bool) VERGE_RETURN_IF_ERROR(check_bools(key, value.bytes));
  }
  return value;
}

Status read_metadata(ByteReader& in, uint64_t keys, Metadata& out) {
  out.reserve(std::min(keys, kTrustedCount));
  for (uint64_t i = 0; i < keys; ++i) {
    VERGE_TRY(const std::string_view key, in.read_string(fmt::format("key {}", i)));
    VERGE_TRY(const Value value, read_value(in, key));
    if (!out.add_borrowed(key, value)) {
      return make_error(Code::Malformed, "key {}: appears twice; convert the model again", key);
    }
  }
  return {};
}

Result<Shape> read_shape(ByteReader& in, std::string_view name) {
  VERGE_TRY(const uint32_t rank, in.read<uint32_t>(name));
  if (rank < 1 || rank > static_cast<uint32_t>(kGgufMaxRank)) {
    return make_error(Code::Malformed,
                      "tensor {}: has {} dimensions, expected 1 to {}; fetch it again", name, rank,
                      kGgufMaxRank);
  }
  int64_t extents[kGgufMaxRank] = {};
  for (uint32_t axis = 0; axis < rank; ++axis) {
    int64_t& extent = extents[rank - 1 - axis];  // GGUF names the contiguous dimension first
    VERGE_TRY(extent, in.read<int64_t>(name));
    if (extent <= 0) {
      return make_error(Code::Malformed, "tensor {}: dimension {} is {}; fetch it again", name,
                        axis, extent);
    }
  }
  return Shape(std::span<const int64_t>(extents, rank));
}

struct Record {
  StoredTensor tensor;
  std::optional<uint64_t> bytes;  // nothing for a type of unknown size
};

Result<Record> read_tensor(ByteReader& in, uint64_t number) {
  Record record;
  StoredTensor& tensor = record.tensor;
  VERGE_TRY(tensor.name, in.read_string(fmt::format("tensor {}", number)));
  VERGE_TRY(tensor.shape, read_shape(in, tensor.name));
  VERGE_TRY(tensor.type_id, in.read<uint32_t>(tensor.name));
  VERGE_TRY(tensor.offset, in.read<uint64_t>(tensor.name));
  tensor.dtype = dtype_from_gguf(tensor.type_id);
  if (const auto type = gguf_tensor_type(tensor.type_id)) {
    tensor.type_name = type->name;
    VERGE_TRY(record.bytes, gguf_tensor_bytes(tensor.name, tensor.shape, *type));
  } else {
    tensor.type_name = fmt::format("type {}", tensor.type_id);
  }
  return record;
}

/// Gives each tensor its bytes of the data section: aligned, inside, and no byte to two tensors.
Status place(std::span<Record> records, std::span<const std::byte> data, uint64_t alignment) {
  std::vector<Record*> order(records.size());
  for (size_t i = 0; i < records.size(); ++i) order[i] = &records[i];
  std::ranges::stable_sort(order, {}, [](const Record* r) { return r->tensor.offset; });
  for (size_t i = 0; i < order.size(); ++i) {
    StoredTensor& tensor = order[i]->tensor;
    const uint64_t end = i + 1 < order.size() ? order[i + 1]->tensor.offset : data.size();
    if (tensor.offset % alignment != 0) {
      return make_error(Code::Malformed,
                        "tensor {}: offset {} is no multiple of the alignment {}; fetch it again",
                        tensor.name, tensor.offset, alignment);
    }
    const uint64_t limit = std::min<uint64_t>(end, data.size());
    const uint64_t room = limit > tensor.offset ? limit - tensor.offset : 0;
    const uint64_t bytes = order[i]->bytes.value_or(room);
    if (tensor.offset > data.size() || bytes > data.size() - tensor.offset) {
      return make_error(Code::Malformed,
                        "tensor {}: {} bytes at {} of the data section, which has {}; the file is "
                        "cut off: fetch it again",
                        tensor.name, bytes, tensor.offset, data.size());
    }
    if (bytes > room) {
      return make_error(Code::Malformed, "tensor {}: overlaps tensor {} at byte {}; fetch it again",
                        tensor.name, order[i + 1]->tensor.name, end);
    }
    tensor.bytes = data.subspan(tensor.offset, bytes);
  }
  return {};
}

}  // namespace

Result<Gguf> Gguf::parse(std::span<const std::byte> bytes, std::string_view path) {
  const FileKind kind = recognize(bytes);
  if (kind != FileKind::Gguf) return wrong_kind(path, "GGUF", kind);
  Gguf file;
  const Status status = file.read(bytes);
  if (status) return file;
  return make_error(status.error().code, "{}: {}", path, status.error().message);
}

Status Gguf::read(std::span<const std::byte> bytes) {
  ByteReader in(bytes);
  VERGE_TRY(const Header header, read_header(in));
  version_ = header.version;
  VERGE_RETURN_IF_ERROR(read_metadata(in, header.keys, metadata_));
  VERGE_TRY(alignment_, gguf_alignment(metadata_));
  std::vector<Record> records;
  records.reserve(std::min(header.tensors, kTrustedCount));
  for (uint64_t i = 0; i < header.tensors; ++i) {
    VERGE_TRY(Record record, read_tensor(in, i));
    records.push_back(std::move(record));
  }
  // A file without tensors may end before the padding.
  data_offset_ = (in.position() + alignment_ - 1) / alignment_ * alignment_;
  const auto data = bytes.subspan(std::min<uint64_t>(data_offset_, bytes.size()));
  VERGE_RETURN_IF_ERROR(place(records, data, alignment_));
  tensors_.reserve(records.size());
  for (Record& record : records) tensors_.push_back(std::move(record.tensor));
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (!index_.emplace(tensors_[i].name, i).second) {
      return make_error(Code::Malformed, "tensor {}: appears twice; convert the model again",
                        tensors_[i].name);
    }
  }
  return {};
}

Result<Gguf> Gguf::open(const std::string& path) {
  VERGE_TRY(MappedFile mapped, MappedFile::open(path));
  auto file = std::make_shared<const MappedFile>(std::move(mapped));
  VERGE_TRY(Gguf gguf, parse(file->bytes(), path));
  gguf.metadata_.keep_alive(file);
  gguf.file_ = std::move(file);
  return gguf;
}

const StoredTensor* Gguf::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace verge::format
