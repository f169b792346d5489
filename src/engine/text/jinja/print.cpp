#include <algorithm>
#include <cmath>

#include <verge/engine/text/jinja/print.hpp>

namespace verge::text::jinja {
namespace {

// fmt writes the shortest digits that read back as the same number, in Python's notation.
std::string float_text(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == text.npos) text += ".0";
  return text;
}

std::string python_quoted(std::string_view text) {
  const bool use_double = text.find('\'') != text.npos && text.find('"') == text.npos;
  const char quote = use_double ? '"' : '\'';
  std::string out(1, quote);
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      (out += '\\') += c;
    } else if (c == '\n' || c == '\r' || c == '\t') {
      (out += '\\') += c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out += quote;
}

void append_repr(Run& run, std::string& out, const Value& value);

void append_list(Run& run, std::string& out, const List& list) {
  out += list.is_tuple ? '(' : '[';
  for (size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) out += ", ";
    append_repr(run, out, list.items[i]);
  }
  if (list.is_tuple && list.items.size() == 1) out += ',';
  out += list.is_tuple ? ')' : ']';
}

void append_dict(Run& run, std::string& out, const Dict& dict) {
  out += '{';
  for (size_t i = 0; i < dict.entries.size(); ++i) {
    if (i > 0) out += ", ";
    out += python_quoted(dict.entries[i].first) + ": ";
    append_repr(run, out, dict.entries[i].second);
  }
  out += '}';
}

// A shared list printed many times over makes text without end, so each part is counted.
void append_repr(Run& run, std::string& out, const Value& value) {
  run.step();
  if (value.is_string()) {
    run.bytes(static_cast<int64_t>(value.as_string().size()));
    out += python_quoted(value.as_string());
  } else if (value.is_list()) {
    append_list(run, out, value.as_list());
  } else if (value.is_dict()) {
    append_dict(run, out, value.as_dict());
  } else {
    out += value.is_undefined() ? "Undefined" : to_text(run, value);
  }
}

class JsonWriter {
 public:
  JsonWriter(Run& run, const JsonStyle& style) : run_(run), style_(style) {}

  void write(const Value& value) {
    run_.step();
    if (value.is_string()) {
      write_string(value.as_string());
    } else if (value.is_list()) {
      write_list(value.as_list());
    } else if (value.is_dict()) {
      write_dict(value.as_dict());
    } else {
      write_scalar(value);
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void write_scalar(const Value& value) {
    if (value.is_none()) {
      out_ += "null";
    } else if (value.is_bool()) {
      out_ += value.as_bool() ? "true" : "false";
    } else if (value.is_int()) {
      out_ += std::to_string(value.as_int());
    } else if (value.is_float()) {
      const double number = value.as_float();
      out_ += std::isnan(number)   ? "NaN"
              : std::isinf(number) ? (number > 0 ? "Infinity" : "-Infinity")
                                   : float_text(number);
    } else if (value.is_undefined()) {
      run_.fail("tojson: '{}' is undefined", value.undefined_name());
    } else {
      run_.fail("tojson cannot write a {}", value.kind());
    }
  }

  void write_string(const std::string& text) {
    constexpr std::string_view kPlain = "\"\\\n\r\t\b\f", kEscaped = "\"\\nrtbf";
    run_.bytes(static_cast<int64_t>(text.size()));
    out_ += '"';
    for (char c : text) {
      if (const size_t at = kPlain.find(c); at != kPlain.npos) {
        (out_ += '\\') += kEscaped[at];
      } else if (static_cast<unsigned char>(c) < 0x20) {
        out_ += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  void write_list(const List& list) {
    write_all('[', ']', list.items, [&](const Value& item) { write(item); });
  }

  void write_dict(const Dict& dict) {
    std::vector<const std::pair<std::string, Value>*> entries;
    for (const auto& entry : dict.entries) entries.push_back(&entry);
    if (style_.sort_keys) {
      std::sort(entries.begin(), entries.end(), [](auto a, auto b) { return a->first < b->first; });
    }
    write_all('{', '}', entries, [&](const std::pair<std::string, Value>* entry) {
      write_string(entry->first);
      out_ += style_.key_separator;
      write(entry->second);
    });
  }

  template <typename Items, typename Write>
  void write_all(char open, char close, const Items& items, Write write_item) {
    out_ += open;
    ++level_;
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_ += style_.item_separator;
      first = false;
      break_line();
      write_item(item);
    }
    --level_;
    if (!first) break_line();
    out_ += close;
  }

  void break_line() {
    if (!style_.indent) return;
    run_.bytes(static_cast<int64_t>(level_ * style_.indent->size() + 1));
    out_ += '\n';
    for (size_t i = 0; i < level_; ++i) out_ += *style_.indent;
  }

  Run& run_;
  const JsonStyle& style_;
  std::string out_;
  size_t level_ = 0;
};

}  // namespace

std::string to_text(Run& run, const Value& value) {
  if (value.is_undefined()) return {};
  if (value.is_none()) return "None";
  if (value.is_bool()) return value.as_bool() ? "True" : "False";
  if (value.is_int()) return std::to_string(value.as_int());
  if (value.is_float()) return float_text(value.as_float());
  if (value.is_string()) return value.as_string();
  if (value.is_namespace()) return "<Namespace>";
  if (value.is_function()) return fmt::format("<function {}>", value.as_function().name);
  return to_repr(run, value);
}

std::string to_repr(Run& run, const Value& value) {
  std::string out;
  append_repr(run, out, value);
  return out;
}

std::string to_json(Run& run, const Value& value, const JsonStyle& style) {
  JsonWriter writer(run, style);
  writer.write(value);
  return writer.take();
}

}  // namespace verge::text::jinja
