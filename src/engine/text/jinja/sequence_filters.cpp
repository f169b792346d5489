#include <algorithm>

#include <verge/engine/text/jinja/filters.hpp>
#include <verge/engine/text/jinja/methods.hpp>
#include <verge/engine/text/jinja/operators.hpp>
#include <verge/engine/text/jinja/predicates.hpp>
#include <verge/engine/text/jinja/print.hpp>
#include <verge/engine/text/jinja/strings.hpp>

namespace verge::text::jinja {
namespace {

/// `attribute='function.name'`: each part a key or an attribute, digits an index.
Value path(Run& run, Value value, const std::string& names) {
  for (std::string_view part : split(names, ".")) {
    const std::string name(part);
    const bool is_index =
        !name.empty() && name.size() < 10 &&
        std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (is_index) {
      value = item(run, value, static_cast<int64_t>(std::stoll(name)));
    } else {
      const Value key = item(run, value, Value(name));
      value = key.is_undefined() ? attribute(run, value, name) : key;
    }
  }
  return value;
}

Value path_argument(Run& run, const Value& value, const Value* attribute_name) {
  if (!attribute_name || attribute_name->is_none()) return value;
  return path(run, value, to_text(run, *attribute_name));
}

Value ignoring_case(Run& run, const Value& value, bool case_sensitive) {
  if (case_sensitive || !value.is_string()) return value;
  run.bytes(static_cast<int64_t>(value.as_string().size()));
  return lower(value.as_string());
}

Arguments from(const Arguments& arguments, size_t first) {
  Arguments rest;
  for (size_t i = first; i < arguments.positional.size(); ++i) {
    rest.positional.push_back(arguments.positional[i]);
  }
  rest.named = arguments.named;
  return rest;
}

Value length_filter(Run& run, const Value& input, const Arguments&) {
  if (input.is_string()) {
    run.bytes(static_cast<int64_t>(input.as_string().size()));
    return static_cast<int64_t>(length(input.as_string()));
  }
  if (input.is_list()) return static_cast<int64_t>(input.as_list().items.size());
  if (input.is_dict()) return static_cast<int64_t>(input.as_dict().entries.size());
  if (input.is_undefined()) return int64_t{0};
  run.fail("a {} has no length", input.kind());
}

Value first_filter(Run& run, const Value& input, const Arguments&) {
  const std::vector<Value> items = items_of(run, input);
  return items.empty() ? Value::undefined("first item of nothing") : items.front();
}

Value last_filter(Run& run, const Value& input, const Arguments&) {
  const std::vector<Value> items = items_of(run, input);
  return items.empty() ? Value::undefined("last item of nothing") : items.back();
}

Value list_filter(Run& run, const Value& input, const Arguments&) {
  return Value::list(run, items_of(run, input));
}

Value items_filter(Run& run, const Value& input, const Arguments&) {
  return dict_items(run, input);
}

Value join_filter(Run& run, const Value& input, const Arguments& arguments) {
  const std::string separator = text_argument(run, arguments, 0, "d", "");
  const Value* attribute_name = arguments.find(1, "attribute");
  std::string text;
  bool first = true;
  for (const Value& entry : items_of(run, input)) {
    const std::string part = to_text(run, path_argument(run, entry, attribute_name));
    run.bytes(static_cast<int64_t>(part.size() + separator.size()));
    if (!std::exchange(first, false)) text += separator;
    text += part;
  }
  return text;
}

Value reverse_filter(Run& run, const Value& input, const Arguments&) {
  if (input.is_string()) return slice(run, input, {{}, {}, -1});
  std::vector<Value> items = items_of(run, input);
  std::reverse(items.begin(), items.end());
  return Value::list(run, std::move(items));
}

/// Stable, by keys already computed.
std::vector<Value> sorted(Run& run, std::vector<std::pair<Value, Value>> keyed, bool reverse) {
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    return reverse ? less(run, b.first, a.first) : less(run, a.first, b.first);
  });
  std::vector<Value> items;
  for (auto& [key, value] : keyed) items.push_back(std::move(value));
  return items;
}

Value sort_filter(Run& run, const Value& input, const Arguments& arguments) {
  const bool reverse = flag(arguments, 0, "reverse"),
             case_sensitive = flag(arguments, 1, "case_sensitive");
  const Value* attribute_name = arguments.find(2, "attribute");
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& entry : items_of(run, input)) {
    const Value key = path_argument(run, entry, attribute_name);
    keyed.emplace_back(ignoring_case(run, key, case_sensitive), entry);
  }
  return Value::list(run, sorted(run, std::move(keyed), reverse));
}

Value dictsort_filter(Run& run, const Value& input, const Arguments& arguments) {
  const bool case_sensitive = flag(arguments, 0, "case_sensitive");
  const std::string by = text_argument(run, arguments, 1, "by", "key");
  if (by != "key" && by != "value") run.fail("dictsort: by is {}; use key or value", by);
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& pair : items_of(run, dict_items(run, input))) {
    const Value& key = pair.as_list().items[by == "value"];
    keyed.emplace_back(ignoring_case(run, key, case_sensitive), pair);
  }
  return Value::list(run, sorted(run, std::move(keyed), flag(arguments, 2, "reverse")));
}

Value unique_filter(Run& run, const Value& input, const Arguments& arguments) {
  const bool case_sensitive = flag(arguments, 0, "case_sensitive");
  const Value* attribute_name = arguments.find(1, "attribute");
  std::vector<Value> seen, items;
  for (const Value& entry : items_of(run, input)) {
    const Value key = ignoring_case(run, path_argument(run, entry, attribute_name), case_sensitive);
    const bool is_new = std::none_of(seen.begin(), seen.end(),
                                     [&](const Value& old) { return equal(run, old, key); });
    if (!is_new) continue;
    seen.push_back(key);
    items.push_back(entry);
  }
  return Value::list(run, std::move(items));
}

template <bool largest>
Value extreme_filter(Run& run, const Value& input, const Arguments& arguments) {
  const bool case_sensitive = flag(arguments, 0, "case_sensitive");
  const Value* attribute_name = arguments.find(1, "attribute");
  Value best = Value::undefined("extreme of nothing"), best_key;
  bool first = true;
  for (const Value& entry : items_of(run, input)) {
    Value key = ignoring_case(run, path_argument(run, entry, attribute_name), case_sensitive);
    const bool better = first || (largest ? less(run, best_key, key) : less(run, key, best_key));
    first = false;
    if (!better) continue;
    best = entry;
    best_key = std::move(key);
  }
  return best;
}

Value sum_filter(Run& run, const Value& input, const Arguments& arguments) {
  const Value* attribute_name = arguments.find(0, "attribute");
  const Value* start = arguments.find(1, "start");
  Value total = start ? *start : Value(int64_t{0});
  for (const Value& entry : items_of(run, input)) {
    total = add(run, total, path_argument(run, entry, attribute_name));
  }
  return total;
}

/// map('filter', arguments...) or map(attribute='name', default=...).
Value map_filter(Run& run, const Value& input, const Arguments& arguments) {
  std::vector<Value> items;
  const Value* attribute_name =
      arguments.positional.empty() ? arguments.find(0, "attribute") : nullptr;
  if (attribute_name) {
    const Value* otherwise = arguments.find(1, "default");
    for (const Value& entry : items_of(run, input)) {
      Value found = path_argument(run, entry, attribute_name);
      items.push_back(found.is_undefined() && otherwise ? *otherwise : std::move(found));
    }
    return Value::list(run, std::move(items));
  }
  if (arguments.positional.empty()) run.fail("map needs a filter's name or attribute=");
  const Filter filter = find_filter(run, expect_string(run, arguments.positional[0], "map"));
  const Arguments rest = from(arguments, 1);
  for (const Value& entry : items_of(run, input)) items.push_back(filter(run, entry, rest));
  return Value::list(run, std::move(items));
}

/// select, reject: the items themselves are tested; selectattr, rejectattr: an attribute of each.
template <bool by_attribute, bool wanted>
Value select_filter(Run& run, const Value& input, const Arguments& arguments) {
  if (by_attribute && arguments.positional.empty()) run.fail("the attribute's name is missing");
  const size_t test_at = by_attribute;
  const bool has_test = arguments.positional.size() > test_at;
  const Predicate predicate =
      has_test
          ? find_predicate(run, expect_string(run, arguments.positional[test_at], "a test's name"))
          : nullptr;
  const Arguments rest = from(arguments, test_at + 1);
  std::vector<Value> items;
  for (const Value& entry : items_of(run, input)) {
    const Value subject =
        by_attribute ? path_argument(run, entry, &arguments.positional[0]) : entry;
    if ((predicate ? predicate(run, subject, rest) : subject.truthy()) == wanted) {
      items.push_back(entry);
    }
  }
  return Value::list(run, std::move(items));
}

struct SequenceFilter {
  std::string_view name;
  Filter filter;
};

constexpr SequenceFilter kSequenceFilters[] = {
    {"count", length_filter},
    {"dictsort", dictsort_filter},
    {"first", first_filter},
    {"items", items_filter},
    {"join", join_filter},
    {"last", last_filter},
    {"length", length_filter},
    {"list", list_filter},
    {"map", map_filter},
    {"max", extreme_filter<true>},
    {"min", extreme_filter<false>},
    {"reject", select_filter<false, false>},
    {"rejectattr", select_filter<true, false>},
    {"reverse", reverse_filter},
    {"select", select_filter<false, true>},
    {"selectattr", select_filter<true, true>},
    {"sort", sort_filter},
    {"sum", sum_filter},
    {"unique", unique_filter},
};

}  // namespace

Filter find_sequence_filter(std::string_view name) {
  const auto found = std::find_if(std::begin(kSequenceFilters), std::end(kSequenceFilters),
                                  [&](const SequenceFilter& entry) { return entry.name == name; });
  return found == std::end(kSequenceFilters) ? nullptr : found->filter;
}

}  // namespace verge::text::jinja
