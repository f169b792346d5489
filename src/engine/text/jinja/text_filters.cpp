#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>

#include <verge/engine/text/jinja/filters.hpp>
#include <verge/engine/text/jinja/operators.hpp>
#include <verge/engine/text/jinja/print.hpp>
#include <verge/engine/text/jinja/strings.hpp>

namespace verge::text::jinja {
namespace {

constexpr int64_t kWidest = 1000;  // an indent past this is a mistake or an attack

template <std::string (*change)(std::string_view)>
Value change_filter(Run& run, const Value& input, const Arguments&) {
  const std::string text = to_text(run, input);
  run.bytes(static_cast<int64_t>(text.size()));
  return change(text);
}

Value string_filter(Run& run, const Value& input, const Arguments&) {
  return to_text(run, input);
}

Value trim_filter(Run& run, const Value& input, const Arguments& arguments) {
  const std::string text = to_text(run, input);
  run.bytes(static_cast<int64_t>(text.size()));
  const Value* set = arguments.find(0, "chars");
  if (!set || set->is_none()) return strip(text);
  return strip(text, expect_string(run, *set, "trim"), Side::Both);
}

Value replace_filter(Run& run, const Value& input, const Arguments& arguments) {
  const std::string text = to_text(run, input);
  const Value *old_text = arguments.find(0, "old"), *new_text = arguments.find(1, "new");
  if (!old_text || !new_text) run.fail("replace needs what to replace, and by what");
  const std::string from = to_text(run, *old_text), to = to_text(run, *new_text);
  run.bytes(static_cast<int64_t>(replaced_size(text, from, to)));
  return replace(text, from, to, integer(run, arguments, 2, "count", -1));
}

/// An indent given as text or as a number of blanks.
std::string spaces(Run& run, const Value* width, int64_t otherwise) {
  if (width && width->is_string()) return width->as_string();
  const int64_t count = width ? expect_int(run, *width, "indent") : otherwise;
  return std::string(static_cast<size_t>(std::clamp<int64_t>(count, 0, kWidest)), ' ');
}

/// Every line but the first, and blank lines only on demand.
Value indent_filter(Run& run, const Value& input, const Arguments& arguments) {
  const std::string space = spaces(run, arguments.find(0, "width"), 4);
  const bool first = flag(arguments, 1, "first"), blank = flag(arguments, 2, "blank");
  const std::string text = to_text(run, input) + "\n";  // Jinja's own way to keep the last break
  std::string out;
  bool begins = true;
  for (std::string_view line : split_lines(text)) {
    run.bytes(static_cast<int64_t>(line.size() + space.size() + 1));
    if (!begins) out += '\n';
    if (begins ? first : blank || !line.empty()) out += space;
    begins = false;
    out += line;
  }
  return out;
}

Value escape_filter(Run& run, const Value& input, const Arguments&) {
  std::string out;
  for (char c : to_text(run, input)) {
    constexpr std::string_view kSpecial = "&<>'\"";
    constexpr std::string_view kNames[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    const size_t at = kSpecial.find(c);
    if (at == kSpecial.npos) {
      out += c;
    } else {
      out += kNames[at];
    }
  }
  run.bytes(static_cast<int64_t>(out.size()));
  return out;
}

Value same_filter(Run&, const Value& input, const Arguments&) {
  return input;
}

std::optional<double> number_in(const std::string& text) {
  const std::string digits(strip(text));
  char* end = nullptr;
  const double value = std::strtod(digits.c_str(), &end);
  if (digits.empty() || end != digits.c_str() + digits.size()) return std::nullopt;
  return value;
}

Value int_filter(Run& run, const Value& input, const Arguments& arguments) {
  const Value otherwise = integer(run, arguments, 0, "default", 0);
  const int64_t base = integer(run, arguments, 1, "base", 10);
  if (base < 2 || base > 36) run.fail("int: base is {}; use 2 to 36", base);
  if (input.is_int() || input.is_bool()) return input.as_int();
  double value;
  if (input.is_string()) {
    const std::string digits(strip(input.as_string()));
    char* end = nullptr;
    errno = 0;
    const int64_t whole = std::strtoll(digits.c_str(), &end, static_cast<int>(base));
    if (!digits.empty() && *end == '\0' && errno == 0) return whole;
    const std::optional<double> parsed = number_in(digits);
    if (!parsed) return otherwise;
    value = *parsed;
  } else if (input.is_float()) {
    value = input.as_float();
  } else {
    return otherwise;
  }
  if (!(std::abs(value) < 0x1p63)) return otherwise;
  return static_cast<int64_t>(value);
}

Value float_filter(Run&, const Value& input, const Arguments& arguments) {
  const Value* otherwise = arguments.find(0, "default");
  if (input.is_number()) return input.as_float();
  const std::optional<double> value =
      input.is_string() ? number_in(input.as_string()) : std::nullopt;
  if (value) return *value;
  return otherwise ? *otherwise : Value(0.0);
}

Value abs_filter(Run& run, const Value& input, const Arguments&) {
  if (!input.is_number()) run.fail("abs needs a number, not {}", input.kind());
  return input.as_float() < 0 ? negate(run, input) : input;
}

Value round_filter(Run& run, const Value& input, const Arguments& arguments) {
  if (!input.is_number()) run.fail("round needs a number, not {}", input.kind());
  const int64_t digits = integer(run, arguments, 0, "precision", 0);
  const std::string method = text_argument(run, arguments, 1, "method", "common");
  if (digits < -300 || digits > 300) run.fail("round: precision is {}; use -300 to 300", digits);
  const double scale = std::pow(10.0, static_cast<double>(digits)), x = input.as_float();
  if (method == "ceil") return std::ceil(x * scale) / scale;
  if (method == "floor") return std::floor(x * scale) / scale;
  if (method != "common") run.fail("round: method is {}; use common, ceil or floor", method);
  return std::nearbyint(x * scale) / scale;  // to even, as Python
}

Value default_filter(Run&, const Value& input, const Arguments& arguments) {
  const Value* otherwise = arguments.find(0, "default_value");
  const bool absent = input.is_undefined() || (flag(arguments, 1, "boolean") && !input.truthy());
  if (!absent) return input;
  return otherwise ? *otherwise : Value("");
}

/// Hugging Face's tojson: (ensure_ascii=False, indent=None, separators=None, sort_keys=False).
Value tojson_filter(Run& run, const Value& input, const Arguments& arguments) {
  JsonStyle style;
  if (flag(arguments, 0, "ensure_ascii")) run.fail("tojson writes UTF-8; ensure_ascii is unknown");
  const Value* indent = arguments.find(1, "indent");
  if (indent && !indent->is_none()) style.indent = spaces(run, indent, 0);
  if (style.indent) style.item_separator.resize(1);  // json.dumps: no blank before a line break
  const Value* separators = arguments.find(2, "separators");
  if (separators && !separators->is_none()) {
    const std::vector<Value> both = items_of(run, *separators);
    if (both.size() != 2) run.fail("tojson: separators is not a pair of texts");
    style.item_separator = expect_string(run, both[0], "separators");
    style.key_separator = expect_string(run, both[1], "separators");
  }
  style.sort_keys = flag(arguments, 3, "sort_keys");
  return to_json(run, input, style);
}

struct TextFilter {
  std::string_view name;
  Filter filter;
};

constexpr TextFilter kTextFilters[] = {
    {"abs", abs_filter},
    {"capitalize", change_filter<capitalize>},
    {"d", default_filter},
    {"default", default_filter},
    {"e", escape_filter},
    {"escape", escape_filter},
    {"float", float_filter},
    {"indent", indent_filter},
    {"int", int_filter},
    {"lower", change_filter<lower>},
    {"replace", replace_filter},
    {"round", round_filter},
    {"safe", same_filter},
    {"string", string_filter},
    {"title", change_filter<title>},
    {"tojson", tojson_filter},
    {"trim", trim_filter},
    {"upper", change_filter<upper>},
};

}  // namespace

Filter find_text_filter(std::string_view name) {
  const auto found = std::find_if(std::begin(kTextFilters), std::end(kTextFilters),
                                  [&](const TextFilter& entry) { return entry.name == name; });
  return found == std::end(kTextFilters) ? nullptr : found->filter;
}

}  // namespace verge::text::jinja
