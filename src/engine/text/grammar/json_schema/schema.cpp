#include <algorithm>
#include <set>
#include <utility>

#include <verge/engine/text/grammar/json_schema/schema.hpp>
#include <verge/engine/text/grammar/json_schema/schema_compiler.hpp>

namespace verge::text::grammar {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxNesting = 200;  // of the document itself

// Not recursive: this is what makes recursion safe afterwards.
bool nests_deeper_than(const Json& json, size_t limit) {
  std::vector<std::pair<const Json*, size_t>> pending = {{&json, 1}};
  while (!pending.empty()) {
    const auto [value, depth] = pending.back();
    pending.pop_back();
    if (!value->is_structured()) continue;
    if (depth > limit) return true;
    for (const Json& part : *value) pending.emplace_back(&part, depth + 1);
  }
  return false;
}

struct Keyword {
  const char* name;
  const char* type;  // "" for keywords of every type
};

constexpr Keyword kKeywords[] = {
    {"type", ""},
    {"enum", ""},
    {"anyOf", ""},
    {"oneOf", ""},
    {"properties", "object"},
    {"required", "object"},
    {"additionalProperties", "object"},
    {"minProperties", "object"},
    {"maxProperties", "object"},
    {"items", "array"},
    {"prefixItems", "array"},
    {"minItems", "array"},
    {"maxItems", "array"},
    {"minLength", "string"},
    {"maxLength", "string"},
    {"pattern", "string"},
    {"format", "string"},
    {"minimum", "number"},
    {"maximum", "number"},
    {"exclusiveMinimum", "number"},
    {"exclusiveMaximum", "number"},
    {"multipleOf", "number"},
};

// Keywords of the standard that narrow what is valid in ways that rules cannot say.
constexpr const char* kRefused[] = {"not",
                                    "if",
                                    "then",
                                    "else",
                                    "patternProperties",
                                    "propertyNames",
                                    "dependencies",
                                    "dependentRequired",
                                    "dependentSchemas",
                                    "contains",
                                    "minContains",
                                    "maxContains",
                                    "uniqueItems",
                                    "unevaluatedProperties",
                                    "unevaluatedItems",
                                    "additionalItems",
                                    "$dynamicRef",
                                    "$recursiveRef"};

// What says nothing: "uniqueItems": false, "not": false, an empty "patternProperties" ...
bool says_nothing(const std::string& key, const Json& value) {
  if (key == "uniqueItems" || key == "not") return value == false;
  if (key == "unevaluatedProperties" || key == "unevaluatedItems") return value.is_boolean();
  if (key == "additionalItems") return true;  // beside a list in "items", which array() reads
  if (key == "propertyNames") return value == true || value == Json::object();
  return key != "contains" && value.is_object() && value.empty();
}

bool is_of_type(const Json& value, const std::string& type) {
  if (type == "number") return value.is_number();
  if (type == "integer") {
    return value.is_number_integer() ||
           (value.is_number_float() && value == static_cast<double>(static_cast<int64_t>(
                                                    std::clamp(value.get<double>(), -1e15, 1e15))));
  }
  return type == value.type_name();
}

}  // namespace

const Json* SchemaCompiler::find(const Json& schema, const char* keyword) {
  const auto found = schema.find(keyword);
  return found == schema.end() ? nullptr : &*found;
}

Error SchemaCompiler::malformed(const Place& at, const char* keyword, const char* wanted) {
  return make_error(Code::Malformed, "JSON schema: {}: '{}' must be {}", at.pointer, keyword,
                    wanted);
}

Error SchemaCompiler::refuse(const Place& at, const char* keyword, const std::string& why) {
  return make_error(Code::Unsupported, "JSON schema: {}: '{}' {}", at.pointer, keyword, why);
}

Result<int64_t> SchemaCompiler::count(const Place& at, const char* keyword, int64_t otherwise) {
  const Json* value = find(at.schema, keyword);
  if (value == nullptr) return otherwise;
  const bool whole =
      value->is_number_integer() || (value->is_number_float() && is_of_type(*value, "integer"));
  if (!whole || value->get<double>() < 0) return malformed(at, keyword, "a count");
  return static_cast<int64_t>(std::min(value->get<double>(), 1e15));
}

Result<int32_t> SchemaCompiler::compile_document(const Json& document) {
  if (nests_deeper_than(document, kMaxNesting)) {
    return make_error(Code::Unsupported, "JSON schema: # nests more than {} values", kMaxNesting);
  }
  VERGE_TRY(const Node root, reference("#", "#"));
  for (size_t i = 0; i < pending_.size(); ++i) {
    const std::string pointer = pending_[i];
    VERGE_TRY(const Json* schema, merger_.resolve(pointer, pointer));
    VERGE_TRY(const Node body, compile(*schema, pointer, 0));
    VERGE_RETURN_IF_ERROR(check_size(pointer));
    rules_.define(references_[pointer], body);
  }
  return rules_[root].rule;
}

// A rule for what a $ref points to, compiled later: schemas may hold themselves.
Result<Node> SchemaCompiler::reference(const std::string& pointer, const std::string& place) {
  VERGE_RETURN_IF_ERROR(merger_.resolve(pointer, place).ok()
                            ? Status()
                            : Status(merger_.resolve(pointer, place).error()));
  const auto [found, is_new] = references_.emplace(pointer, -1);
  if (is_new) {
    found->second = rules_.declare(pointer);
    pending_.push_back(pointer);
  }
  return rules_.call(found->second);
}

Result<Node> SchemaCompiler::compile(const Json& schema, const std::string& pointer, int depth) {
  const Json* target = schema.is_object() ? find(schema, "$ref") : nullptr;
  const bool alone = target != nullptr && target->is_string() &&
                     std::ranges::all_of(schema.items(), [](const auto& entry) {
                       return entry.key() == "$ref" || is_annotation(entry.key());
                     });
  if (alone) {
    VERGE_RETURN_IF_ERROR(merger_.visit(pointer, depth));
    return reference(target->get<std::string>(), pointer);
  }
  VERGE_TRY(const Json flat, merger_.flatten(schema, pointer, depth));
  return compile_flat({flat, pointer, depth});
}

Status SchemaCompiler::refuse_unknown(const Place& at) const {
  for (const auto& [key, value] : at.schema.items()) {
    for (const char* refused : kRefused) {
      if (key == refused && !says_nothing(key, value)) {
        return refuse(at, refused, "cannot be held while text is generated; leave it out");
      }
    }
  }
  const Json* open = find(at.schema, "additionalProperties");
  const Json* closed = find(at.schema, "unevaluatedProperties");
  if (closed != nullptr && *closed == false && open != nullptr && *open != false) {
    return refuse(at, "unevaluatedProperties", "contradicts 'additionalProperties'");
  }
  return {};
}

Status SchemaCompiler::check_size(const std::string& pointer) const {
  if (!rules_.full()) return {};
  return make_error(Code::Unsupported,
                    "JSON schema: {}: the schema needs more than {} parts of rules; use fewer "
                    "patterns and multiples",
                    pointer, kMaxNodes);
}

Result<Node> SchemaCompiler::compile_flat(const Place& at) {
  VERGE_RETURN_IF_ERROR(check_size(at.pointer));
  VERGE_RETURN_IF_ERROR(refuse_unknown(at));
  if (find(at.schema, "enum") != nullptr) return enumeration(at);
  for (const char* keyword : {"anyOf", "oneOf"}) {
    if (find(at.schema, keyword) != nullptr) return any_of(at, keyword);
  }
  std::vector<std::string> types;
  if (const Json* listed = find(at.schema, "type")) {
    for (const Json& type : *listed) types.push_back(type.get<std::string>());
  } else {
    for (const Keyword& keyword : kKeywords) {
      const bool is_there = find(at.schema, keyword.name) != nullptr && *keyword.type != '\0';
      if (is_there && std::ranges::find(types, keyword.type) == types.end()) {
        types.emplace_back(keyword.type);
      }
    }
    if (types.empty()) return json_.value();
  }
  std::vector<Node> ways;
  for (const std::string& type : types) {
    VERGE_TRY(const Node way, of_type(type, at));
    ways.push_back(way);
  }
  return rules_.choice(std::move(ways));
}

Result<Node> SchemaCompiler::of_type(const std::string& type, const Place& at) {
  if (type == "object") return object(at);
  if (type == "array") return array(at);
  if (type == "string") return string(at);
  if (type == "integer") return integer(at);
  if (type == "number") return number(at);
  if (type == "boolean") return json_.boolean();
  return rules_.literal("null");
}

// Each way together with the keywords beside it.
Result<Node> SchemaCompiler::any_of(const Place& at, const char* keyword) {
  const Json& listed = *find(at.schema, keyword);
  if (!listed.is_array() || listed.empty()) return malformed(at, keyword, "a list of schemas");
  Json beside = at.schema;
  beside.erase(keyword);
  std::vector<Node> ways;
  for (size_t i = 0; i < listed.size(); ++i) {
    const std::string pointer = fmt::format("{}/{}/{}", at.pointer, keyword, i);
    if (beside.empty()) {
      VERGE_TRY(const Node way, compile(listed[i], pointer, at.depth + 1));
      ways.push_back(way);
    } else {
      VERGE_TRY(const Json way, merger_.flatten(listed[i], pointer, at.depth + 1));
      VERGE_TRY(const Json joined, merger_.merge(beside, way, pointer));
      VERGE_TRY(const Node node, compile_flat({joined, pointer, at.depth + 1}));
      ways.push_back(node);
    }
  }
  return rules_.choice(std::move(ways));
}

Result<Node> SchemaCompiler::enumeration(const Place& at) {
  const Json& listed = *find(at.schema, "enum");
  if (!listed.is_array()) return malformed(at, "enum", "a list");
  if (static_cast<int64_t>(listed.size()) > kMaxEnum) {
    return refuse(at, "enum",
                  fmt::format("has {} values; at most {} are read", listed.size(), kMaxEnum));
  }
  for (const auto& [key, value] : at.schema.items()) {
    const auto found = std::ranges::find_if(
        kKeywords, [&name = key](const Keyword& keyword) { return name == keyword.name; });
    if (key != "type" && key != "enum" && found != std::end(kKeywords)) {
      return refuse(at, found->name, "beside 'enum' or 'const' is not checked; leave it out");
    }
  }
  const Json* types = find(at.schema, "type");
  std::set<std::string> texts;
  for (const Json& value : listed) {
    const bool fits = types == nullptr || std::ranges::any_of(*types, [&](const Json& type) {
                        return is_of_type(value, type.get_ref<const std::string&>());
                      });
    if (fits) texts.insert(value.dump());
  }
  std::vector<Node> ways;
  for (const std::string& text : texts) ways.push_back(rules_.literal(text));
  return ways.empty() ? rules_.never() : rules_.choice(std::move(ways));
}

Result<int32_t> compile_schema(const Json& schema, Rules& rules) {
  return SchemaCompiler(schema, rules).compile_document(schema);
}

}  // namespace verge::text::grammar
