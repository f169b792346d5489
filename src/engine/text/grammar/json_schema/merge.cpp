#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include <verge/engine/text/grammar/json_schema/merge.hpp>
#include <verge/engine/text/grammar/json_schema/schema.hpp>

namespace verge::text::grammar {
namespace {

using nlohmann::ordered_json;
using Json = ordered_json;

constexpr int64_t kMaxCopied = 2000000;     // JSON values
constexpr int64_t kMaxCompared = 20000000;  // pairs of them

int64_t count_values(const Json& json) {
  int64_t count = 1;
  if (json.is_structured()) {
    for (const Json& part : json) count += count_values(part);
  }
  return count;
}

bool is_constraint(const Json* schema) {
  return schema != nullptr && !(schema->is_boolean() && schema->get<bool>());
}

const Json* find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

Json both(const Json& a, const Json& b) {
  if (!is_constraint(&a) || a == b) return b;
  if (!is_constraint(&b)) return a;
  if (a.is_boolean() || b.is_boolean()) return false;
  return {{"allOf", Json::array({a, b})}};
}

// A property that only one side names is for the other side one of its additional ones.
void add_properties(const Json& from, const Json& other, const Json* other_additional,
                    Json& properties) {
  for (const auto& [name, schema] : from.items()) {
    if (properties.contains(name)) continue;
    const Json* same = find(other, name.c_str());
    const Json* second = same != nullptr ? same : other_additional;
    properties[name] = second == nullptr ? schema : both(schema, *second);
  }
}

Json properties_of(const Json& schema) {
  const Json* properties = find(schema, "properties");
  return properties != nullptr && properties->is_object() ? *properties : Json::object();
}

void merge_properties(Json& a, const Json& b) {
  const Json in_a = properties_of(a), in_b = properties_of(b);
  const Json* more_a = find(a, "additionalProperties");
  const Json* more_b = find(b, "additionalProperties");
  Json properties = Json::object();
  add_properties(in_a, in_b, more_b, properties);
  add_properties(in_b, in_a, more_a, properties);
  if (more_a != nullptr && more_b != nullptr) {
    a["additionalProperties"] = both(*more_a, *more_b);
  } else if (more_b != nullptr) {
    a["additionalProperties"] = *more_b;
  }
  if (!properties.empty()) a["properties"] = std::move(properties);
}

bool has_element(const Json& array, const Json& value) {
  return std::ranges::find(array, value) != array.end();
}

Json common_types(const Json& a, const Json& b) {
  Json types = Json::array();
  for (const Json& type : a) {
    const bool narrower = type == "integer" && has_element(b, "number");
    if (has_element(b, type) || narrower) types.push_back(type);
    if (type == "number" && has_element(b, "integer") && !has_element(b, "number")) {
      types.push_back("integer");
    }
  }
  return types;
}

Json common_values(const Json& a, const Json& b) {
  Json values = Json::array();
  for (const Json& value : a) {
    if (has_element(b, value)) values.push_back(value);
  }
  return values;
}

bool is_one_of(const std::string& keyword, std::initializer_list<const char*> keywords) {
  return std::ranges::any_of(keywords, [&](const char* other) { return keyword == other; });
}

Status normalize_type(Json& schema, const std::string& place) {
  const auto found = schema.find("type");
  if (found == schema.end()) return {};
  if (found->is_string()) *found = Json::array({*found});
  const std::array<const char*, 7> names = {"object",  "array",   "string", "number",
                                            "integer", "boolean", "null"};
  const bool known =
      found->is_array() && std::ranges::all_of(*found, [&](const Json& type) {
        return std::ranges::any_of(names, [&](const char* name) { return type == name; });
      });
  if (!known) {
    return make_error(Code::Malformed,
                      "JSON schema: {}: 'type' is {}; use object, array, string, number, integer, "
                      "boolean, null or a list of them",
                      place, found->dump());
  }
  const Json* nullable = find(schema, "nullable");
  if (nullable != nullptr && *nullable == true && !has_element(*found, "null")) {
    found->push_back("null");
  }
  return {};
}

// Draft 4 and OpenAPI 3.0: "exclusiveMinimum": true beside "minimum".
void normalize_exclusive(Json& schema, const char* exclusive, const char* plain) {
  const auto found = schema.find(exclusive);
  if (found == schema.end() || !found->is_boolean()) return;
  const bool is_open = found->get<bool>();
  schema.erase(exclusive);
  const auto bound = schema.find(plain);
  if (!is_open || bound == schema.end()) return;
  Json value = *bound;
  schema.erase(plain);
  schema[exclusive] = std::move(value);
}

Status normalize(Json& schema, const std::string& place) {
  VERGE_RETURN_IF_ERROR(normalize_type(schema, place));
  schema.erase("nullable");
  normalize_exclusive(schema, "exclusiveMinimum", "minimum");
  normalize_exclusive(schema, "exclusiveMaximum", "maximum");
  if (const Json* constant = find(schema, "const")) {
    Json values = Json::array({*constant});
    if (const Json* listed = find(schema, "enum"); listed != nullptr && listed->is_array()) {
      values = common_values(values, *listed);
    }
    schema.erase("const");
    schema["enum"] = std::move(values);
  }
  return {};
}

}  // namespace

bool is_annotation(const std::string& keyword) {
  return is_one_of(
      keyword, {"title", "description", "default", "examples", "example", "$comment", "deprecated",
                "readOnly", "writeOnly", "$schema", "$id", "$defs", "definitions",
                "contentMediaType", "contentEncoding", "contentSchema", "$anchor", "$vocabulary"});
}

Status SchemaMerger::visit(const std::string& place, int depth) {
  if (depth > kMaxSchemaDepth) {
    return make_error(Code::Unsupported, "JSON schema: {}: more than {} schemas inside one another",
                      place, kMaxSchemaDepth);
  }
  if (++visits_ > kMaxSchemaVisits) {
    return make_error(Code::Unsupported,
                      "JSON schema: {}: more than {} schemas to read, with what allOf, anyOf and "
                      "$ref repeat",
                      place, kMaxSchemaVisits);
  }
  return {};
}

Result<Json> SchemaMerger::flatten(const Json& schema, const std::string& place, int depth) {
  VERGE_RETURN_IF_ERROR(visit(place, depth));
  if (schema.is_boolean()) {
    return schema.get<bool>() ? Json::object() : Json{{"enum", Json::array()}};
  }
  if (!schema.is_object()) {
    return make_error(Code::Malformed, "JSON schema: {} is {}; a schema is an object or a boolean",
                      place, schema.type_name());
  }
  copied_ += count_values(schema);
  if (copied_ > kMaxCopied) {
    return make_error(Code::Unsupported, "JSON schema: {}: what allOf and $ref repeat is too large",
                      place);
  }
  Json own = Json::object();
  for (const auto& [key, value] : schema.items()) {
    if (key != "$ref" && key != "allOf" && !is_annotation(key)) own[key] = value;
  }
  VERGE_RETURN_IF_ERROR(normalize(own, place));
  Json result = Json::object();
  if (const Json* reference = find(schema, "$ref")) {
    if (!reference->is_string()) {
      return make_error(Code::Malformed, "JSON schema: {}: '$ref' is no string", place);
    }
    const auto& pointer = reference->get_ref<const std::string&>();
    VERGE_TRY(const Json* target, resolve(pointer, place));
    VERGE_TRY(result, flatten(*target, pointer, depth + 1));
  }
  if (const Json* parts = find(schema, "allOf")) {
    if (!parts->is_array()) {
      return make_error(Code::Malformed, "JSON schema: {}: 'allOf' is no list", place);
    }
    for (size_t i = 0; i < parts->size(); ++i) {
      const std::string part_place = fmt::format("{}/allOf/{}", place, i);
      VERGE_TRY(const Json part, flatten((*parts)[i], part_place, depth + 1));
      VERGE_TRY(result, merge(std::move(result), part, part_place));
    }
  }
  return merge(std::move(result), own, place);
}

Result<Json> SchemaMerger::merge(Json a, const Json& b, const std::string& place) {
  VERGE_RETURN_IF_ERROR(visit(place, 0));
  if (a.empty()) return b;
  merge_properties(a, b);
  for (const auto& [key, value] : b.items()) {
    if (is_one_of(key, {"properties", "additionalProperties"})) continue;
    VERGE_RETURN_IF_ERROR(merge_key(a, key, value, place));
  }
  return a;
}

Status SchemaMerger::count_compared(const std::string& key, size_t pairs,
                                    const std::string& place) {
  compared_ += static_cast<int64_t>(pairs);
  if (compared_ <= kMaxCompared) return {};
  return make_error(
      Code::Unsupported,
      "JSON schema: {}: '{}' is too long to be joined; at most {} pairs of values are "
      "compared",
      place, key, kMaxCompared);
}

Status SchemaMerger::merge_key(Json& a, const std::string& key, const Json& value,
                               const std::string& place) {
  const auto found = a.find(key);
  if (found == a.end()) {
    a[key] = value;
    return {};
  }
  Json& own = *found;
  const bool lists = own.is_array() && value.is_array();
  const bool numbers = own.is_number() && value.is_number();
  if (own == value) return {};
  if (lists && is_one_of(key, {"type", "enum", "required"})) {
    VERGE_RETURN_IF_ERROR(count_compared(key, own.size() * value.size(), place));
  }
  if (key == "type" && lists) {
    own = common_types(own, value);
  } else if (key == "enum" && lists) {
    own = common_values(own, value);
  } else if (key == "required" && lists) {
    for (const Json& name : value) {
      if (!has_element(own, name)) own.push_back(name);
    }
  } else if (numbers && is_one_of(key, {"minimum", "exclusiveMinimum", "minLength", "minItems",
                                        "minProperties"})) {
    own = std::max(own, value);
  } else if (numbers && is_one_of(key, {"maximum", "exclusiveMaximum", "maxLength", "maxItems",
                                        "maxProperties"})) {
    own = std::min(own, value);
  } else if (key == "items") {
    own = both(own, value);
  } else if (key == "anyOf" && !a.contains("oneOf")) {
    a["oneOf"] = value;
  } else if (key == "oneOf" && !a.contains("anyOf")) {
    a["anyOf"] = value;
  } else {
    return make_error(Code::Unsupported,
                      "JSON schema: {}: two different '{}' that must both hold cannot be joined",
                      place, key);
  }
  return {};
}

Result<const Json*> SchemaMerger::resolve(const std::string& reference,
                                          const std::string& place) const {
  if (reference != "#" && !reference.starts_with("#/")) {
    return make_error(Code::Unsupported,
                      "JSON schema: {}: '$ref' is '{}'; only references into the same schema "
                      "(\"#/...\") are followed",
                      place, reference);
  }
  const Json* at = &document_;
  for (size_t start = 1; start < reference.size();) {
    const size_t end = std::min(reference.find('/', start + 1), reference.size());
    std::string token = reference.substr(start + 1, end - start - 1);
    start = end;
    for (const auto& [code, character] :
         {std::pair{"~1", "/"}, {"~0", "~"}, {"%25", "%"}, {"%24", "$"}, {"%20", " "}}) {
      for (size_t found = 0; (found = token.find(code, found)) != std::string::npos; ++found) {
        token.replace(found, std::string_view(code).size(), character);
      }
    }
    const Json* next = nullptr;
    if (at->is_object()) {
      next = find(*at, token.c_str());
    } else if (at->is_array() && !token.empty() && token.size() < 6 &&
               token.find_first_not_of("0123456789") == std::string::npos) {
      const size_t index = std::stoul(token);
      if (index < at->size()) next = &(*at)[index];
    }
    if (next == nullptr) {
      return make_error(Code::NotFound, "JSON schema: {}: '$ref' is '{}', and '{}' is not there",
                        place, reference, token);
    }
    at = next;
  }
  return at;
}

}  // namespace verge::text::grammar
