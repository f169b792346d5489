#include <limits>

#include <verge/core/file.hpp>
#include <verge/engine/format/hf/json_object.hpp>

namespace verge::format {
namespace {

// The largest in the wild, the index of a 1 TB model, has 10 MB; a tree takes 40 times its text.
constexpr size_t kMaxJsonBytes = 16 << 20;

}  // namespace

Result<JsonObject> JsonObject::open(const std::string& path) {
  VERGE_TRY(const std::string text, read_whole_file(path, kMaxJsonBytes));
  return parse(text, path);
}

Result<JsonObject> JsonObject::parse(std::string_view text, std::string path) {
  JsonObject object;
  object.json_ = nlohmann::json::parse(text, nullptr, false);
  if (!object.json_.is_object()) {
    return make_error(Code::Malformed, "{}: not a JSON object; fetch it again", path);
  }
  object.path_ = std::move(path);
  return object;
}

const nlohmann::json* JsonObject::find(const std::string& key) const {
  const auto found = json_.find(key);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

Error JsonObject::wrong(const std::string& key, std::string_view expected) const {
  return make_error(Code::Malformed, "{}: field {} is a {}, expected {}; fetch it again", path_,
                    key, find(key)->type_name(), expected);
}

Result<std::optional<uint32_t>> JsonObject::whole(const std::string& key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::optional<uint32_t>();
  const bool fits =
      value->is_number_unsigned() && value->get<uint64_t>() <= std::numeric_limits<uint32_t>::max();
  if (!fits) return wrong(key, "a whole number of 32 bits");
  return std::optional(value->get<uint32_t>());
}

Result<uint32_t> JsonObject::whole(const std::string& key, uint32_t otherwise) const {
  VERGE_TRY(const std::optional<uint32_t> value, whole(key));
  if (value || otherwise != 0) return value.value_or(otherwise);
  return make_error(Code::NotFound, "{}: field {} is missing; fetch it again", path_, key);
}

Result<std::optional<double>> JsonObject::real(const std::string& key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::optional<double>();
  if (!value->is_number()) return wrong(key, "a number");
  return std::optional(value->get<double>());
}

Result<std::optional<bool>> JsonObject::flag(const std::string& key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_boolean()) return wrong(key, "true or false");
  return std::optional(value->get<bool>());
}

Result<std::optional<std::string>> JsonObject::text(const std::string& key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return wrong(key, "a string");
  return std::optional(value->get<std::string>());
}

Result<std::optional<JsonObject>> JsonObject::object(const std::string& key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::optional<JsonObject>();
  if (!value->is_object()) return wrong(key, "an object");
  JsonObject inner;
  inner.json_ = *value;
  inner.path_ = fmt::format("{}: {}", path_, key);
  return std::optional(std::move(inner));
}

Result<std::vector<double>> JsonObject::reals(const std::string& key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::vector<double>();
  if (value->is_number()) return std::vector<double>{value->get<double>()};
  if (!value->is_array()) return wrong(key, "a list of numbers");
  std::vector<double> numbers;
  for (const nlohmann::json& item : *value) {
    if (!item.is_number()) return wrong(key, "a list of numbers");
    numbers.push_back(item.get<double>());
  }
  return numbers;
}

}  // namespace verge::format
