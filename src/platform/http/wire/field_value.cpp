#include <algorithm>

#include <verge/platform/http/wire/field_value.hpp>

namespace verge::http {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// "gzip;q=0.5" has a weight above 0, "gzip;q=0" and "gzip; q=0.000" have none.
bool has_weight(std::string_view parameters) {
  const size_t q = parameters.find("q=");
  if (q == std::string_view::npos) return true;
  const std::string_view value = parameters.substr(q + 2);
  return value.find_first_of("123456789") < value.find_first_of(" ;\t");
}

}  // namespace

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view next_element(std::string_view& list) {
  const size_t comma = list.find(',');
  const std::string_view element = list.substr(0, comma);
  list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  return trimmed(element);
}

bool accepts_coding(std::string_view accept_encoding, std::string_view coding) {
  bool any = false;
  while (!accept_encoding.empty()) {
    const std::string_view element = next_element(accept_encoding);
    const size_t semicolon = std::min(element.find(';'), element.size());
    const std::string_view name = trimmed(element.substr(0, semicolon));
    const bool is_wanted = has_weight(element.substr(semicolon));
    if (equal_without_case(name, coding)) return is_wanted;
    if (name == "*") any = is_wanted;
  }
  return any;
}

}  // namespace verge::http
