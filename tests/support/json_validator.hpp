#pragma once
// JSON schema validation by the standard's words, keyword by keyword: an oracle for texts that were
// made to follow a schema. Slow, and only what the tests use; oneOf is taken as anyOf.

#include <algorithm>
#include <cmath>
#include <regex>
#include <string>

#include <nlohmann/json.hpp>

namespace verge::test {

class JsonValidator {
 public:
  using Json = nlohmann::ordered_json;

  explicit JsonValidator(Json schema) : document_(std::move(schema)) {}

  bool valid(const Json& value) const { return valid(document_, value); }

 private:
  bool valid(const Json& schema, const Json& value) const {
    if (schema.is_boolean()) return schema.get<bool>();
    if (schema.value("nullable", false) && value.is_null()) return true;
    for (const auto& [keyword, argument] : schema.items()) {
      if (!holds(keyword, argument, schema, value)) return false;
    }
    return true;
  }

  static bool has_type(const Json& value, const std::string& type) {
    if (type == "number") return value.is_number();
    if (type == "integer") {
      return value.is_number() && std::floor(value.get<double>()) == value.get<double>();
    }
    return type == value.type_name();
  }

  static size_t length(const std::string& text) {
    return static_cast<size_t>(
        std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
  }

  bool any_of(const Json& schemas, const Json& value) const {
    return std::ranges::any_of(schemas, [&](const Json& schema) { return valid(schema, value); });
  }

  bool holds(const std::string& keyword, const Json& argument, const Json& schema,
             const Json& value) const {
    if (keyword == "$ref") {
      return valid(document_.at(Json::json_pointer(argument.get<std::string>().substr(1))), value);
    }
    if (keyword == "type") {
      const Json types = argument.is_array() ? argument : Json::array({argument});
      return std::ranges::any_of(types, [&](const Json& type) { return has_type(value, type); });
    }
    if (keyword == "enum") return std::ranges::find(argument, value) != argument.end();
    if (keyword == "const") return argument == value;
    if (keyword == "anyOf" || keyword == "oneOf") return any_of(argument, value);
    if (keyword == "allOf") {
      return std::ranges::all_of(argument, [&](const Json& part) { return valid(part, value); });
    }
    if (value.is_object()) return object_holds(keyword, argument, schema, value);
    if (value.is_array()) return array_holds(keyword, argument, schema, value);
    if (value.is_string()) return string_holds(keyword, argument, value.get<std::string>());
    if (value.is_number()) return number_holds(keyword, argument, value.get<double>());
    return true;
  }

  bool object_holds(const std::string& keyword, const Json& argument, const Json& schema,
                    const Json& value) const {
    if (keyword == "required") {
      return std::ranges::all_of(
          argument, [&](const Json& name) { return value.contains(name.get<std::string>()); });
    }
    if (keyword == "minProperties") return value.size() >= argument.get<size_t>();
    if (keyword == "maxProperties") return value.size() <= argument.get<size_t>();
    const Json named = schema.value("properties", Json::object());
    for (const auto& [name, member] : value.items()) {
      const bool is_named = named.contains(name);
      if (keyword == "properties" && is_named && !valid(named[name], member)) return false;
      if (keyword == "additionalProperties" && !is_named && !valid(argument, member)) return false;
    }
    return true;
  }

  bool array_holds(const std::string& keyword, const Json& argument, const Json& schema,
                   const Json& value) const {
    if (keyword == "minItems") return value.size() >= argument.get<size_t>();
    if (keyword == "maxItems") return value.size() <= argument.get<size_t>();
    const size_t prefix = schema.value("prefixItems", Json::array()).size();
    for (size_t i = 0; i < value.size(); ++i) {
      if (keyword == "prefixItems" && i < prefix && !valid(argument[i], value[i])) return false;
      if (keyword == "items" && i >= prefix && !valid(argument, value[i])) return false;
    }
    return true;
  }

  static bool string_holds(const std::string& keyword, const Json& argument,
                           const std::string& value) {
    if (keyword == "minLength") return length(value) >= argument.get<size_t>();
    if (keyword == "maxLength") return length(value) <= argument.get<size_t>();
    if (keyword == "pattern") return std::regex_search(value, std::regex(argument));
    return true;
  }

  static bool number_holds(const std::string& keyword, const Json& argument, double value) {
    if (keyword == "minimum") return value >= argument.get<double>();
    if (keyword == "maximum") return value <= argument.get<double>();
    if (keyword == "exclusiveMinimum") return value > argument.get<double>();
    if (keyword == "exclusiveMaximum") return value < argument.get<double>();
    if (keyword == "multipleOf") {
      const double times = value / argument.get<double>();
      return std::abs(times - std::round(times)) < 1e-6;
    }
    return true;
  }

  Json document_;
};

}  // namespace verge::test
