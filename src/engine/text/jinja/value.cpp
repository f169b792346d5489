#include <algorithm>
#include <limits>

#include <verge/engine/text/jinja/strings.hpp>
#include <verge/engine/text/jinja/value.hpp>

namespace verge::text::jinja {
namespace {

constexpr size_t kSmallDict = 8;  // up to here a scan is faster than a hash

}  // namespace

const Value* Dict::find(std::string_view key) const {
  if (!index.empty()) {
    const auto found = index.find(key);
    return found == index.end() ? nullptr : &entries[found->second].second;
  }
  for (const auto& [name, value] : entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

const Value* Arguments::find(size_t position, std::string_view name) const {
  if (position < positional.size()) return &positional[position];
  for (const auto& [key, value] : named) {
    if (key == name) return &value;
  }
  return nullptr;
}

Value Value::undefined(std::string_view name) {
  Value value;
  value.data_ = Undefined{std::make_shared<const std::string>(name)};
  return value;
}

Value Value::list(Run& run, std::vector<Value> items, bool is_tuple) {
  run.bytes(static_cast<int64_t>(items.size() * sizeof(Value)));
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.depth());
  if (depth >= kMaxNesting) run.fail("lists nest deeper than {}", kMaxNesting);
  Value value;
  value.data_ = std::make_shared<const List>(List{std::move(items), is_tuple, depth + 1});
  return value;
}

Value Value::dict(Run& run, std::vector<std::pair<std::string, Value>> entries) {
  auto dict = std::make_shared<Dict>();
  dict->depth = 1;
  std::unordered_map<std::string, size_t> place;
  for (auto& [key, value] : entries) {
    run.bytes(static_cast<int64_t>(key.size() + sizeof(Value)));
    dict->depth = std::max(dict->depth, value.depth() + 1);
    const auto [entry, is_new] = place.try_emplace(key, dict->entries.size());
    if (is_new) {
      dict->entries.emplace_back(std::move(key), std::move(value));
    } else {
      dict->entries[entry->second].second = std::move(value);
    }
  }
  if (dict->depth > kMaxNesting) run.fail("dicts nest deeper than {}", kMaxNesting);
  if (dict->entries.size() > kSmallDict) {
    for (size_t i = 0; i < dict->entries.size(); ++i) dict->index[dict->entries[i].first] = i;
  }
  Value value;
  value.data_ = std::shared_ptr<const Dict>(std::move(dict));
  return value;
}

Value Value::from_json(Run& run, const nlohmann::ordered_json& json) {
  const Run::Nested nested(run);
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_number_unsigned() &&
      json.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
    return json.get<double>();
  }
  if (json.is_number()) return json.get<int64_t>();
  if (json.is_array()) {
    std::vector<Value> items;
    for (const auto& item : json) items.push_back(from_json(run, item));
    return list(run, std::move(items));
  }
  if (json.is_object()) {
    std::vector<std::pair<std::string, Value>> entries;
    for (const auto& [key, item] : json.items()) entries.emplace_back(key, from_json(run, item));
    return dict(run, std::move(entries));
  }
  return None{};
}

int64_t Value::as_int() const {
  return is_bool() ? as_bool() : std::get<int64_t>(data_);
}

double Value::as_float() const {
  return is_float() ? std::get<double>(data_) : static_cast<double>(as_int());
}

std::string_view Value::undefined_name() const {
  const auto* undefined = std::get_if<Undefined>(&data_);
  return undefined && undefined->name ? std::string_view(*undefined->name) : std::string_view();
}

std::string_view Value::kind() const {
  constexpr std::string_view kNames[] = {"undefined", "none", "bool", "int",       "float",
                                         "str",       "list", "dict", "namespace", "function"};
  return is_list() && as_list().is_tuple ? "tuple" : kNames[data_.index()];
}

bool Value::truthy() const {
  if (is_undefined() || is_none()) return false;
  if (is_number()) return as_float() != 0;
  if (is_string()) return !as_string().empty();
  if (is_list()) return !as_list().items.empty();
  if (is_dict()) return !as_dict().entries.empty();
  return true;
}

bool Value::same_object(const Value& other) const {
  if (data_.index() != other.data_.index()) return false;
  if (is_string()) return &as_string() == &other.as_string();
  if (is_list()) return &as_list() == &other.as_list();
  if (is_dict()) return &as_dict() == &other.as_dict();
  if (is_namespace()) return &as_namespace() == &other.as_namespace();
  if (is_function()) return &as_function() == &other.as_function();
  return false;
}

int Value::depth() const {
  if (is_list()) return as_list().depth;
  return is_dict() ? as_dict().depth : 0;
}

std::vector<Value> items_of(Run& run, const Value& value) {
  std::vector<Value> items;
  if (value.is_list()) {
    run.step(static_cast<int64_t>(value.as_list().items.size()));
    return value.as_list().items;
  }
  if (value.is_dict()) {
    for (const auto& [key, item] : value.as_dict().entries) items.emplace_back(key);
  } else if (value.is_string()) {
    run.bytes(static_cast<int64_t>(value.as_string().size() * sizeof(Value)));
    for (std::string_view character : characters(value.as_string())) items.emplace_back(character);
  } else if (!value.is_undefined()) {
    run.fail("a value of type {} cannot be iterated over", value.kind());
  }
  run.step(static_cast<int64_t>(items.size()));
  return items;
}

const std::string& expect_string(Run& run, const Value& value, std::string_view what) {
  if (!value.is_string()) run.fail("{} needs a str, not {}", what, value.kind());
  return value.as_string();
}

int64_t expect_int(Run& run, const Value& value, std::string_view what) {
  if (!value.is_int() && !value.is_bool()) run.fail("{} needs an int, not {}", what, value.kind());
  return value.as_int();
}

}  // namespace verge::text::jinja
