#include <algorithm>
#include <cctype>
#include <map>

#include <nlohmann/json.hpp>
#include <sodium.h>

#include <verge/core/units.hpp>
#include <verge/stages/serve/api/model_facts.hpp>

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

int64_t parameters(const ModelFace& face) {
  int64_t count = 0;
  for (const format::StoredTensor& tensor : face.source.tensors()) {
    count += tensor.shape.count();
  }
  return count;
}

std::string family(const ModelFace& face) {
  return face.config.architecture;
}

Json value_json(const format::Metadata& metadata, const format::Entry& entry) {
  const format::Value& value = entry.value;
  if (value.type == format::ValueType::String) return std::string(value.text());
  if (value.type == format::ValueType::Bool) return value.bytes[0] != std::byte{0};
  if (value.type == format::ValueType::F32 || value.type == format::ValueType::F64) {
    const auto number = metadata.get_f32(entry.key);
    return number ? Json(*number) : Json();
  }
  const auto number = metadata.get_i64(entry.key);
  return number ? Json(*number) : Json(value.str());
}

}  // namespace

int64_t file_bytes(const ModelFace& face) {
  int64_t bytes = 0;
  for (const auto& file : face.source.files) bytes += static_cast<int64_t>(file->size());
  return bytes;
}

std::string quantization(const ModelFace& face) {
  std::map<std::string, size_t> bytes;
  for (const format::StoredTensor& tensor : face.source.tensors()) {
    if (tensor.shape.rank() >= 2) bytes[tensor.type_name] += tensor.bytes.size();
  }
  std::string best;
  size_t most = 0;
  for (const auto& [type, count] : bytes) {
    if (count <= most) continue;
    best = type;
    most = count;
  }
  std::ranges::transform(best, best.begin(), [](unsigned char c) { return std::toupper(c); });
  return best;
}

std::string list_digest(const ModelFace& face) {
  const std::string text = fmt::format("{}\n{}", face.name, file_bytes(face));
  unsigned char hash[32];
  crypto_generichash(hash, sizeof(hash), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size(), nullptr, 0);
  std::string digest;
  for (const unsigned char byte : hash) digest += fmt::format("{:02x}", byte);
  return digest;
}

Json ollama_details(const ModelFace& face) {
  return {{"parent_model", ""},
          {"format", face.source.format.starts_with("GGUF") ? "gguf" : "safetensors"},
          {"family", family(face)},
          {"families", {family(face)}},
          {"parameter_size", show_count(parameters(face))},
          {"quantization_level", quantization(face)}};
}

Json metadata_json(const ModelFace& face) {
  constexpr size_t kLongest = 1024;
  Json json = Json::object();
  for (const format::Entry& entry : face.source.metadata.entries()) {
    const bool is_long =
        entry.value.type == format::ValueType::Array || entry.value.bytes.size() > kLongest;
    if (!is_long) json[std::string(entry.key)] = value_json(face.source.metadata, entry);
  }
  return json;
}

}  // namespace verge::serve::api
