#include <nlohmann/json.hpp>

#include <verge/core/file.hpp>
#include <verge/engine/format/safetensors/types.hpp>
#include <verge/engine/format/safetensors/writer.hpp>

namespace verge::format {

void SafetensorsWriter::set_metadata(std::string key, std::string text) {
  metadata_.emplace_back(std::move(key), std::move(text));
}

Status SafetensorsWriter::add(const std::string& name, DType dtype, const Shape& shape,
                              TensorProducer producer) {
  const auto type = safetensors_type(dtype);
  if (!type) {
    return make_error(Code::InvalidArgument,
                      "tensor {}: safetensors has no type {}; write f32, f16 or bf16, or a GGUF "
                      "file",
                      name, verge::name(dtype));
  }
  if (!names_.insert(name).second) {
    return make_error(Code::InvalidArgument, "tensor {}: added twice", name);
  }
  const auto bytes = static_cast<uint64_t>(bytes_of(dtype, shape.count()));
  tensors_.push_back({name, type->name, shape, bytes, std::move(producer)});
  return {};
}

Status SafetensorsWriter::add(const std::string& name, DType dtype, const Shape& shape,
                              std::span<const std::byte> bytes) {
  return add(name, dtype, shape, [bytes](const ByteSink& sink) { return sink(bytes); });
}

std::string SafetensorsWriter::header() const {
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  if (!metadata_.empty()) {
    auto& metadata = root["__metadata__"] = nlohmann::ordered_json::object();
    for (const auto& [key, text] : metadata_) metadata[key] = text;
  }
  uint64_t offset = 0;
  for (const Declared& tensor : tensors_) {
    auto& entry = root[tensor.name];
    entry["dtype"] = tensor.type;
    entry["shape"] =
        std::vector<int64_t>(tensor.shape.extents().begin(), tensor.shape.extents().end());
    entry["data_offsets"] = {offset, offset + tensor.bytes};
    offset += tensor.bytes;
  }
  std::string text = root.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the data start aligned
  const uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
}

Status SafetensorsWriter::write_to(const ByteSink& sink) const {
  const std::string head = header();
  VERGE_RETURN_IF_ERROR(sink(std::as_bytes(std::span(head))));
  for (const Declared& tensor : tensors_) {
    VERGE_RETURN_IF_ERROR(produce(tensor.producer, tensor.bytes, sink));
  }
  return {};
}

Status SafetensorsWriter::write(const std::string& path) const {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  VERGE_RETURN_IF_ERROR(
      write_to([&file](std::span<const std::byte> bytes) { return file.write(bytes); }));
  return file.commit();
}

}  // namespace verge::format
