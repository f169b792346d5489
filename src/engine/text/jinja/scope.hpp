#pragma once
// Scope: the variables in sight.

#include <string_view>
#include <utility>
#include <vector>

#include <verge/engine/text/jinja/value.hpp>

namespace verge::text::jinja {

/// The variables of a template, of one loop round, or of one macro call.
class Scope {
 public:
  explicit Scope(const Scope* outer) : outer_(outer) {}

  void set(std::string_view name, Value value) {
    for (auto& [known, old] : variables_) {
      if (known == name) {
        old = std::move(value);
        return;
      }
    }
    variables_.emplace_back(name, std::move(value));
  }
  const Value* find(std::string_view name) const {
    for (const Scope* scope = this; scope; scope = scope->outer_) {
      for (const auto& [known, value] : scope->variables_) {
        if (known == name) return &value;
      }
    }
    return nullptr;
  }

 private:
  const Scope* outer_;
  std::vector<std::pair<std::string_view, Value>> variables_;  // names live in the tree
};

}  // namespace verge::text::jinja
