#include <algorithm>

#include <verge/core/file.hpp>
#include <verge/engine/format/gguf/types.hpp>
#include <verge/engine/format/gguf/writer.hpp>

namespace verge::format {
namespace {

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_text(std::string& out, std::string_view text) {
  put<uint64_t>(out, text.size());
  out += text;
}

void put_value(std::string& out, const Value& value) {
  put(out, static_cast<uint32_t>(value.type));
  if (value.type == ValueType::Array) {
    put(out, static_cast<uint32_t>(value.element));
    put(out, value.count);
  } else if (value.type == ValueType::String) {
    put<uint64_t>(out, value.bytes.size());
  }
  out += value.text();
}

uint64_t round_up(uint64_t size, uint64_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

/// `count` zero bytes; alignments may be large, so in portions.
Status pad(const ByteSink& sink, uint64_t count) {
  static constexpr std::byte kZeros[4096] = {};
  for (uint64_t done = 0; done < count;) {
    const uint64_t portion = std::min<uint64_t>(count - done, sizeof kZeros);
    VERGE_RETURN_IF_ERROR(sink(std::span(kZeros, portion)));
    done += portion;
  }
  return {};
}

}  // namespace

GgufWriter::GgufWriter(Metadata metadata, uint32_t version)
    : metadata_(std::move(metadata)), version_(version) {
  VERGE_CHECK(version == 2 || version == 3, version);
}

Status GgufWriter::declare(Declared tensor) {
  if (!names_.insert(tensor.name).second) {
    return make_error(Code::InvalidArgument, "tensor {}: added twice", tensor.name);
  }
  tensors_.push_back(std::move(tensor));
  return {};
}

Status GgufWriter::add(const std::string& name, DType dtype, const Shape& shape,
                       TensorProducer producer) {
  const auto type = gguf_tensor_type(static_cast<uint32_t>(dtype));
  if (!type) {
    return make_error(Code::InvalidArgument, "tensor {}: GGUF has no type {}", name,
                      verge::name(dtype));
  }
  const bool is_empty = std::ranges::any_of(shape.extents(), [](int64_t n) { return n < 1; });
  if (shape.rank() < 1 || shape.rank() > kGgufMaxRank || is_empty) {
    return make_error(Code::InvalidArgument,
                      "tensor {}: shape is {}, expected 1 to {} extents of at least 1", name,
                      shape.str(), kGgufMaxRank);
  }
  const Result<uint64_t> bytes = gguf_tensor_bytes(name, shape, *type);
  if (!bytes) return Error{Code::InvalidArgument, bytes.error().message};
  return declare({name, type->id, shape, *bytes, std::move(producer)});
}

Status GgufWriter::add(const std::string& name, DType dtype, const Shape& shape,
                       std::span<const std::byte> bytes) {
  return add(name, dtype, shape, [bytes](const ByteSink& sink) { return sink(bytes); });
}

Status GgufWriter::add(const StoredTensor& tensor) {
  const StoredTensor* source = &tensor;
  return declare({tensor.name, tensor.type_id, tensor.shape, tensor.bytes.size(),
                  [source](const ByteSink& sink) -> Status {
                    if (source->interleave_heads == 0) return sink(source->bytes);
                    std::vector<std::byte> rows(source->bytes.size());
                    VERGE_RETURN_IF_ERROR(source->copy_to(rows));
                    return sink(rows);
                  }});
}

std::string GgufWriter::header(uint64_t alignment) const {
  std::string out = "GGUF";
  put(out, version_);
  put<uint64_t>(out, tensors_.size());
  put<uint64_t>(out, metadata_.entries().size());
  for (const Entry& entry : metadata_.entries()) {
    put_text(out, entry.key);
    put_value(out, entry.value);
  }
  uint64_t offset = 0;
  for (const Declared& tensor : tensors_) {
    put_text(out, tensor.name);
    const int rank = tensor.shape.rank();
    put(out, static_cast<uint32_t>(rank));
    for (int axis = rank - 1; axis >= 0; --axis) put(out, tensor.shape[axis]);
    put(out, tensor.type_id);
    put(out, offset);
    offset += round_up(tensor.bytes, alignment);
  }
  out.resize(round_up(out.size(), alignment), '\0');
  return out;
}

Result<uint64_t> GgufWriter::file_bytes() const {
  VERGE_TRY(const uint64_t alignment, gguf_alignment(metadata_));
  uint64_t bytes = header(alignment).size();
  for (const Declared& tensor : tensors_) bytes += round_up(tensor.bytes, alignment);
  return bytes;
}

Status GgufWriter::write_to(const ByteSink& sink) const {
  VERGE_TRY(const uint64_t alignment, gguf_alignment(metadata_));
  const std::string head = header(alignment);
  VERGE_RETURN_IF_ERROR(sink(std::as_bytes(std::span(head))));
  for (const Declared& tensor : tensors_) {
    VERGE_RETURN_IF_ERROR(produce(tensor.producer, tensor.bytes, sink));
    VERGE_RETURN_IF_ERROR(pad(sink, round_up(tensor.bytes, alignment) - tensor.bytes));
  }
  return {};
}

Status GgufWriter::write(const std::string& path) const {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  VERGE_RETURN_IF_ERROR(
      write_to([&file](std::span<const std::byte> bytes) { return file.write(bytes); }));
  return file.commit();
}

}  // namespace verge::format
