#pragma once
// What the tests of the interpreter share: rendering a text, and the message of what is thrown.

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <verge/engine/text/jinja/evaluator.hpp>
#include <verge/engine/text/jinja/parser.hpp>

namespace verge::text::jinja {

/// The rendered text, or "error at LINE:COLUMN: MESSAGE".
inline std::string rendered(std::string_view text, const nlohmann::ordered_json& variables = {},
                            const Limits& limits = {}) {
  try {
    Run run(limits);
    Variables all;
    for (const auto& [name, value] : variables.items()) {
      all.emplace_back(name, Value::from_json(run, value));
    }
    return evaluate(run, parse(run, text), all, std::nullopt);
  } catch (const TemplateError& error) {
    return fmt::format("error at {}:{}: {}", error.at.line, error.at.column, error.message);
  }
}

/// What `action` throws; "" if nothing.
template <typename Action>
std::string failure(Action action) {
  try {
    action();
  } catch (const TemplateError& error) {
    return error.message;
  }
  return "";
}

inline Value json_value(Run& run, const char* text) {
  return Value::from_json(run, nlohmann::ordered_json::parse(text));
}

}  // namespace verge::text::jinja
