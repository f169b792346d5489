#pragma once
// Value: what a template computes with, after Python's types. Lists, dicts and strings are shared
// and never change (Hugging Face renders in an immutable sandbox), so there are no cycles; only a
// namespace changes, and the evaluator owns all of those.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include <verge/engine/text/jinja/run.hpp>

namespace verge::text::jinja {

class Value;

struct Undefined {
  std::shared_ptr<const std::string> name;  // of what was looked for
};
struct None {};

struct List {
  std::vector<Value> items;
  bool is_tuple;
  int depth;
};

/// Keys in order of insertion.
struct Dict {
  std::vector<std::pair<std::string, Value>> entries;
  std::unordered_map<std::string_view, size_t> index;  // into entries; empty for small dicts
  int depth;
  const Value* find(std::string_view key) const;
};

/// `namespace(...)`: the one thing that `set` changes from within a loop.
struct Namespace {
  std::unordered_map<std::string, Value> attributes;
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  /// The argument at this position or of this name; null if absent.
  const Value* find(size_t position, std::string_view name) const;
};

struct Function {
  std::string name;
  std::function<Value(Run&, const Arguments&)> call;
};

class Value {
 public:
  Value() : data_(Undefined{}) {}
  Value(None) : data_(None{}) {}
  Value(bool value) : data_(value) {}
  Value(int64_t value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(std::string text) : data_(std::make_shared<const std::string>(std::move(text))) {}
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char* text) : Value(std::string(text)) {}
  Value(std::shared_ptr<Namespace> space) : data_(std::move(space)) {}
  Value(Function function) : data_(std::make_shared<const Function>(std::move(function))) {}

  static Value undefined(std::string_view name);
  /// Both fail in `run` when nested deeper than kMaxNesting. A later key replaces an earlier one.
  static Value list(Run& run, std::vector<Value> items, bool is_tuple = false);
  static Value dict(Run& run, std::vector<std::pair<std::string, Value>> entries);
  static Value from_json(Run& run, const nlohmann::ordered_json& json);

  bool is_undefined() const { return holds<Undefined>(); }
  bool is_none() const { return holds<None>(); }
  bool is_bool() const { return holds<bool>(); }
  bool is_int() const { return holds<int64_t>(); }
  bool is_float() const { return holds<double>(); }
  /// As in Python, a bool is a number: False is 0, True is 1.
  bool is_number() const { return is_int() || is_float() || is_bool(); }
  bool is_string() const { return holds<std::shared_ptr<const std::string>>(); }
  bool is_list() const { return holds<std::shared_ptr<const List>>(); }
  bool is_dict() const { return holds<std::shared_ptr<const Dict>>(); }
  bool is_namespace() const { return holds<std::shared_ptr<Namespace>>(); }
  bool is_function() const { return holds<std::shared_ptr<const Function>>(); }

  /// These need the matching kind; as_int and as_float also take a bool, as_float an int.
  bool as_bool() const { return std::get<bool>(data_); }
  int64_t as_int() const;
  double as_float() const;
  const std::string& as_string() const { return *get<const std::string>(); }
  const List& as_list() const { return *get<const List>(); }
  const Dict& as_dict() const { return *get<const Dict>(); }
  Namespace& as_namespace() const { return *get<Namespace>(); }
  const Function& as_function() const { return *get<const Function>(); }

  /// "message.role" for `message.role` that is not there; otherwise empty.
  std::string_view undefined_name() const;
  /// Python's name for the kind: "str", "dict", ...
  std::string_view kind() const;
  bool truthy() const;
  /// Equal because it is the very same list, dict or string.
  bool same_object(const Value& other) const;

 private:
  template <typename T>
  bool holds() const {
    return std::holds_alternative<T>(data_);
  }
  template <typename T>
  T* get() const {
    return std::get<std::shared_ptr<T>>(data_).get();
  }
  int depth() const;

  std::variant<Undefined, None, bool, int64_t, double, std::shared_ptr<const std::string>,
               std::shared_ptr<const List>, std::shared_ptr<const Dict>, std::shared_ptr<Namespace>,
               std::shared_ptr<const Function>>
      data_;
};

/// What `for` goes through: items, keys, or characters; nothing for an undefined value.
/// Fails for numbers, none and functions.
std::vector<Value> items_of(Run& run, const Value& value);

/// Fails with "what needs a str, not int" unless the value is a string.
const std::string& expect_string(Run& run, const Value& value, std::string_view what);
/// The same for an integer.
int64_t expect_int(Run& run, const Value& value, std::string_view what);

}  // namespace verge::text::jinja
