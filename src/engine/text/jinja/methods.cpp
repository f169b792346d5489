#include <algorithm>

#include <verge/engine/text/jinja/methods.hpp>
#include <verge/engine/text/jinja/operators.hpp>
#include <verge/engine/text/jinja/print.hpp>
#include <verge/engine/text/jinja/strings.hpp>

namespace verge::text::jinja {
namespace {

using Method = Value (*)(Run&, const Value& self, const Arguments&);
struct MethodEntry {
  std::string_view name;
  Method method;
};

const Value& required(Run& run, const Arguments& arguments, size_t position,
                      std::string_view name) {
  const Value* value = arguments.find(position, name);
  if (!value) run.fail("the argument '{}' is missing", name);
  return *value;
}

int64_t limit(Run& run, const Arguments& arguments, size_t position, std::string_view name) {
  const Value* value = arguments.find(position, name);
  return value ? expect_int(run, *value, name) : -1;
}

Value strings_list(Run& run, const std::vector<std::string_view>& parts) {
  run.step(static_cast<int64_t>(parts.size()));
  run.bytes(static_cast<int64_t>(parts.size() * sizeof(std::string)));
  return Value::list(run, std::vector<Value>(parts.begin(), parts.end()));
}

template <Side side>
Value strip_method(Run& run, const Value& self, const Arguments& arguments) {
  const Value* set = arguments.find(0, "chars");
  if (!set || set->is_none()) return strip(self.as_string(), side);
  return strip(self.as_string(), expect_string(run, *set, "strip"), side);
}

template <bool from_right>
Value split_method(Run& run, const Value& self, const Arguments& arguments) {
  const Value* separator = arguments.find(0, "sep");
  const int64_t cuts = limit(run, arguments, 1, "maxsplit");
  if (!separator || separator->is_none()) {
    return strings_list(run, split_words(self.as_string(), cuts));
  }
  const std::string& text = expect_string(run, *separator, "split");
  if (text.empty()) run.fail("split needs a separator that is not empty");
  return strings_list(
      run, from_right ? rsplit(self.as_string(), text, cuts) : split(self.as_string(), text, cuts));
}

/// startswith and endswith take a string or a tuple of them.
template <bool at_end>
Value affix_method(Run& run, const Value& self, const Arguments& arguments) {
  const Value& wanted = required(run, arguments, 0, "prefix");
  const auto matches = [&](const Value& affix) {
    const std::string& text = expect_string(run, affix, at_end ? "endswith" : "startswith");
    return at_end ? self.as_string().ends_with(text) : self.as_string().starts_with(text);
  };
  if (!wanted.is_list()) return matches(wanted);
  const std::vector<Value>& all = wanted.as_list().items;
  return std::any_of(all.begin(), all.end(), matches);
}

template <std::string (*change)(std::string_view)>
Value change_method(Run&, const Value& self, const Arguments&) {
  return change(self.as_string());
}

Value replace_method(Run& run, const Value& self, const Arguments& arguments) {
  const std::string& old_text = expect_string(run, required(run, arguments, 0, "old"), "replace");
  const std::string& new_text = expect_string(run, required(run, arguments, 1, "new"), "replace");
  run.bytes(static_cast<int64_t>(replaced_size(self.as_string(), old_text, new_text)));
  return replace(self.as_string(), old_text, new_text, limit(run, arguments, 2, "count"));
}

Value join_method(Run& run, const Value& self, const Arguments& arguments) {
  std::string text;
  bool first = true;
  for (const Value& item : items_of(run, required(run, arguments, 0, "iterable"))) {
    if (!std::exchange(first, false)) text += self.as_string();
    text += expect_string(run, item, "join");
    run.bytes(static_cast<int64_t>(self.as_string().size() + item.as_string().size()));
  }
  return text;
}

/// Python counts places in characters.
Value find_method(Run& run, const Value& self, const Arguments& arguments) {
  const std::string& wanted = expect_string(run, required(run, arguments, 0, "sub"), "find");
  const size_t found = self.as_string().find(wanted);
  if (found == std::string::npos) return int64_t{-1};
  return static_cast<int64_t>(length(std::string_view(self.as_string()).substr(0, found)));
}

Value count_method(Run& run, const Value& self, const Arguments& arguments) {
  const std::string& wanted = expect_string(run, required(run, arguments, 0, "sub"), "count");
  return static_cast<int64_t>(count(self.as_string(), wanted));
}

template <bool (*is)(std::string_view)>
Value all_characters(Run&, const Value& self, const Arguments&) {
  const std::vector<std::string_view> all = characters(self.as_string());
  return !all.empty() && std::all_of(all.begin(), all.end(), is);
}

bool is_digit_character(std::string_view character) {
  return character[0] >= '0' && character[0] <= '9';
}

template <bool at_end>
Value remove_affix(Run& run, const Value& self, const Arguments& arguments) {
  const std::string& affix = expect_string(run, required(run, arguments, 0, "prefix"), "remove");
  std::string_view text = self.as_string();
  if (!at_end && text.starts_with(affix)) text.remove_prefix(affix.size());
  if (at_end && text.ends_with(affix)) text.remove_suffix(affix.size());
  return text;
}

Value lines_method(Run& run, const Value& self, const Arguments&) {
  return strings_list(run, split_lines(self.as_string()));
}

constexpr MethodEntry kStringMethods[] = {
    {"capitalize", change_method<capitalize>},
    {"count", count_method},
    {"endswith", affix_method<true>},
    {"find", find_method},
    {"isdigit", all_characters<is_digit_character>},
    {"isspace", all_characters<is_space>},
    {"join", join_method},
    {"lower", change_method<lower>},
    {"lstrip", strip_method<Side::Left>},
    {"removeprefix", remove_affix<false>},
    {"removesuffix", remove_affix<true>},
    {"replace", replace_method},
    {"rsplit", split_method<true>},
    {"rstrip", strip_method<Side::Right>},
    {"split", split_method<false>},
    {"splitlines", lines_method},
    {"startswith", affix_method<false>},
    {"strip", strip_method<Side::Both>},
    {"title", change_method<title>},
    {"upper", change_method<upper>},
};

Value items_method(Run& run, const Value& self, const Arguments&) {
  return dict_items(run, self);
}

Value keys_method(Run& run, const Value& self, const Arguments&) {
  return Value::list(run, items_of(run, self));
}

Value values_method(Run& run, const Value& self, const Arguments&) {
  std::vector<Value> values;
  for (const auto& [key, value] : self.as_dict().entries) values.push_back(value);
  return Value::list(run, std::move(values));
}

Value get_method(Run& run, const Value& self, const Arguments& arguments) {
  const Value found = item(run, self, required(run, arguments, 0, "key"));
  if (!found.is_undefined()) return found;
  const Value* otherwise = arguments.find(1, "default");
  return otherwise ? *otherwise : Value(None{});
}

constexpr MethodEntry kDictMethods[] = {
    {"get", get_method}, {"items", items_method}, {"keys", keys_method}, {"values", values_method}};

Value index_method(Run& run, const Value& self, const Arguments& arguments) {
  const Value& wanted = required(run, arguments, 0, "value");
  const std::vector<Value>& all = self.as_list().items;
  for (size_t i = 0; i < all.size(); ++i) {
    if (equal(run, all[i], wanted)) return static_cast<int64_t>(i);
  }
  run.fail("index: the value is not in the list");
}

Value list_count_method(Run& run, const Value& self, const Arguments& arguments) {
  const Value& wanted = required(run, arguments, 0, "value");
  const std::vector<Value>& all = self.as_list().items;
  return static_cast<int64_t>(std::count_if(all.begin(), all.end(), [&](const Value& candidate) {
    return equal(run, candidate, wanted);
  }));
}

constexpr MethodEntry kListMethods[] = {{"count", list_count_method}, {"index", index_method}};

// What jinja2.sandbox's ImmutableSandboxedEnvironment refuses.
constexpr std::string_view kChanging[] = {"append", "clear",   "extend", "insert",
                                          "pop",    "popitem", "remove", "setdefault",
                                          "sort",   "reverse", "update"};

template <size_t count>
const MethodEntry* find_entry(const MethodEntry (&entries)[count], std::string_view name) {
  const auto found = std::find_if(std::begin(entries), std::end(entries),
                                  [&](const MethodEntry& entry) { return entry.name == name; });
  return found == std::end(entries) ? nullptr : found;
}

const MethodEntry* find_method_of(const Value& object, std::string_view name) {
  if (object.is_string()) return find_entry(kStringMethods, name);
  if (object.is_dict()) return find_entry(kDictMethods, name);
  return object.is_list() ? find_entry(kListMethods, name) : nullptr;
}

Value bound(const MethodEntry& entry, const Value& self) {
  const auto call = [method = entry.method, self](Run& run, const Arguments& arguments) {
    if (self.is_string()) run.bytes(static_cast<int64_t>(self.as_string().size()));
    return method(run, self, arguments);
  };
  return Function{std::string(entry.name), call};
}

}  // namespace

Value attribute(Run& run, const Value& object, const std::string& name) {
  if (object.is_undefined()) {
    run.fail("'{}' is undefined, so it has no '{}'", object.undefined_name(), name);
  }
  if (const MethodEntry* entry = find_method_of(object, name)) return bound(*entry, object);
  if (object.is_dict()) {
    if (const Value* found = object.as_dict().find(name)) return *found;
  }
  if (object.is_namespace()) {
    const auto found = object.as_namespace().attributes.find(name);
    if (found != object.as_namespace().attributes.end()) return found->second;
  }
  const bool changes =
      std::find(std::begin(kChanging), std::end(kChanging), name) != std::end(kChanging);
  if (changes && (object.is_list() || object.is_dict())) {
    run.fail("'{}' would change a {}; templates run in an immutable sandbox: use + or a namespace",
             name, object.kind());
  }
  return Value::undefined(name);
}

Value dict_items(Run& run, const Value& dict) {
  if (dict.is_undefined()) return Value::list(run, {});
  if (!dict.is_dict()) run.fail("items needs a dict, not {}", dict.kind());
  std::vector<Value> pairs;
  for (const auto& [key, value] : dict.as_dict().entries) {
    run.step();
    run.bytes(static_cast<int64_t>(key.size()));
    pairs.push_back(Value::list(run, {Value(key), value}, true));
  }
  return Value::list(run, std::move(pairs));
}

}  // namespace verge::text::jinja
