#include <algorithm>
#include <set>
#include <utility>

#include <verge/engine/text/grammar/json_schema/schema.hpp>
#include <verge/engine/text/grammar/json_schema/schema_compiler.hpp>

namespace verge::text::grammar {
namespace {

constexpr size_t kMaxName = 512;  // characters of a property's name beside additional properties

}  // namespace

Result<Node> SchemaCompiler::array(const Place& at) {
  VERGE_TRY(int64_t least, count(at, "minItems", 0));
  VERGE_TRY(int64_t most, count(at, "maxItems", -1));
  if (least > kMaxLength) {
    return refuse(at, "minItems", fmt::format("is {}; at most {} can be held", least, kMaxLength));
  }
  most = std::min(most, kMaxLength);
  const Json* items = find(at.schema, "items");
  const Json* prefix = find(at.schema, "prefixItems");
  // Before draft 2020-12 a list of schemas stood in "items".
  const char* prefix_keyword = prefix != nullptr ? "prefixItems" : "items";
  if (prefix == nullptr && items != nullptr && items->is_array()) {
    prefix = items;
    items = find(at.schema, "additionalItems");
  }
  std::vector<Node> parts;
  if (prefix != nullptr) {
    if (!prefix->is_array()) return malformed(at, "prefixItems", "a list of schemas");
    const size_t kept =
        most < 0 ? prefix->size() : std::min(prefix->size(), static_cast<size_t>(most));
    for (size_t i = 0; i < kept; ++i) {
      const std::string pointer = fmt::format("{}/{}/{}", at.pointer, prefix_keyword, i);
      VERGE_TRY(const Node item, compile((*prefix)[i], pointer, at.depth + 1));
      if (i > 0) parts.push_back(json_.comma());
      parts.push_back(item);
    }
    least = std::max<int64_t>(0, least - static_cast<int64_t>(kept));
    if (most >= 0) most -= static_cast<int64_t>(kept);
    if (items == nullptr && least == 0) most = 0;
  }
  Node item = items == nullptr ? json_.value() : -1;
  if (items != nullptr) {
    VERGE_TRY(item, compile(*items, at.pointer + "/items", at.depth + 1));
    item = rules_.named(at.pointer + "/items", item);
  }
  if (most >= 0 && most < least) return rules_.never();
  const Node more = rules_.sequence({json_.comma(), item});
  if (!parts.empty()) {
    parts.push_back(rules_.repeat(more, least, most));
    parts.push_back(json_.space());
  } else if (most != 0) {
    const Node some = rules_.sequence(
        {item, rules_.repeat(more, std::max<int64_t>(0, least - 1), most < 0 ? -1 : most - 1),
         json_.space()});
    parts.push_back(least == 0 ? rules_.optional(some) : some);
  }
  parts.insert(parts.begin(), {rules_.literal("["), json_.space()});
  parts.push_back(rules_.literal("]"));
  return rules_.sequence(std::move(parts));
}

Result<std::vector<SchemaCompiler::Property>> SchemaCompiler::properties(const Place& at) {
  std::set<std::string> required;
  std::vector<std::string> unnamed;  // required, but without a schema of their own
  const Json* named = find(at.schema, "properties");
  if (named != nullptr && !named->is_object()) return malformed(at, "properties", "an object");
  if (const Json* listed = find(at.schema, "required")) {
    if (!listed->is_array()) return malformed(at, "required", "a list of names");
    for (const Json& name : *listed) {
      if (!name.is_string()) return malformed(at, "required", "a list of names");
      const auto& text = name.get_ref<const std::string&>();
      const bool is_new = required.insert(text).second;
      if (is_new && (named == nullptr || !named->contains(text))) unnamed.push_back(text);
    }
  }
  std::vector<Property> properties;
  const auto add = [&](const std::string& name, const Json& schema,
                       const std::string& pointer) -> Status {
    VERGE_TRY(const Node value, compile(schema, pointer, at.depth + 1));
    const Node member = json_.member(rules_.literal(Json(name).dump()), value);
    properties.push_back({name, rules_.named(pointer, member), required.contains(name)});
    return {};
  };
  if (named != nullptr) {
    for (const auto& [name, schema] : named->items()) {
      VERGE_RETURN_IF_ERROR(add(name, schema, fmt::format("{}/properties/{}", at.pointer, name)));
    }
  }
  const Json* open = find(at.schema, "additionalProperties");
  for (const std::string& name : unnamed) {
    VERGE_RETURN_IF_ERROR(
        add(name, open != nullptr ? *open : Json(true), at.pointer + "/additionalProperties"));
  }
  return properties;
}

// The member that may stand beside the known ones, if any may.
Result<std::optional<Node>> SchemaCompiler::additional(const Place& at,
                                                       const std::vector<Property>& known) {
  const Json* open = find(at.schema, "additionalProperties");
  if (open == nullptr ? !known.empty() : *open == false) return std::optional<Node>();
  const std::string pointer = at.pointer + "/additionalProperties";
  Node value = json_.value();
  if (open != nullptr) {
    VERGE_TRY(value, compile(*open, pointer, at.depth + 1));
  }
  std::vector<std::string> names;
  for (const Property& property : known) {
    if (property.name.size() > kMaxName) {
      return refuse(at, "additionalProperties",
                    fmt::format("beside a property whose name has more than {} bytes", kMaxName));
    }
    names.push_back(property.name);
  }
  return std::optional<Node>(
      rules_.named(pointer, json_.member(json_.string_except(names), value)));
}

// Members in order. `rest` of i: what may follow property i - 1, with the commas before it.
Node SchemaCompiler::members(const std::vector<Property>& properties,
                             std::optional<Node> additional) {
  const Node comma = json_.comma();
  Node rest =
      additional ? rules_.repeat(rules_.sequence({comma, *additional}), 0, -1) : rules_.empty();
  std::vector<Node> starts;  // with the last property first, and what follows it
  bool optional = true;
  for (size_t i = properties.size(); i-- > 0;) {
    const Property& property = properties[i];
    rest = rules_.named(property.name, rest);
    if (property.required) starts.clear();
    starts.push_back(rules_.sequence({property.member, rest}));
    const Node next = rules_.sequence({comma, property.member});
    rest = rules_.sequence({property.required ? next : rules_.optional(next), rest});
    optional = optional && !property.required;
  }
  if (optional && additional) {
    const Node more = rules_.repeat(rules_.sequence({comma, *additional}), 0, -1);
    starts.push_back(rules_.sequence({*additional, more}));
  }
  const Node some = rules_.sequence({rules_.choice(std::move(starts)), json_.space()});
  return optional ? rules_.optional(some) : some;
}

// minProperties and maxProperties where all members are of one kind.
Result<Node> SchemaCompiler::counted_members(const Place& at, Node member) {
  VERGE_TRY(const int64_t least, count(at, "minProperties", 0));
  VERGE_TRY(int64_t most, count(at, "maxProperties", -1));
  if (least > kMaxLength) {
    return refuse(at, "minProperties",
                  fmt::format("is {}; at most {} can be held", least, kMaxLength));
  }
  if (most >= 0 && most < least) return rules_.never();
  if (most == 0) return rules_.empty();
  most = std::min(most, kMaxLength);
  const Node more = rules_.sequence({json_.comma(), member});
  const Node some = rules_.sequence(
      {member, rules_.repeat(more, std::max<int64_t>(0, least - 1), most < 0 ? -1 : most - 1),
       json_.space()});
  return least == 0 ? rules_.optional(some) : some;
}

Result<Node> SchemaCompiler::object(const Place& at) {
  VERGE_TRY(const std::vector<Property> known, properties(at));
  VERGE_TRY(const std::optional<Node> more, additional(at, known));
  Node body = -1;
  if (known.empty() && more) {
    VERGE_TRY(body, counted_members(at, *more));
  } else {
    const auto required = std::ranges::count(known, true, &Property::required);
    VERGE_TRY(const int64_t least, count(at, "minProperties", 0));
    VERGE_TRY(const int64_t most, count(at, "maxProperties", INT64_MAX));
    const auto size = static_cast<int64_t>(known.size());
    if (least > required) return refuse(at, "minProperties", "beside 'properties' cannot be held");
    if (most < size || (more && most != INT64_MAX)) {
      return refuse(at, "maxProperties", "beside 'properties' cannot be held");
    }
    body = known.empty() ? rules_.empty() : members(known, more);
  }
  return rules_.sequence({rules_.literal("{"), json_.space(), body, rules_.literal("}")});
}

}  // namespace verge::text::grammar
