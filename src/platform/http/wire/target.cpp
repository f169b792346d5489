#include <verge/platform/http/wire/field_value.hpp>
#include <verge/platform/http/wire/target.hpp>

namespace verge::http {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "http://host:1/a?b" to "/a?b"; "http://host" to "/".
std::optional<std::string_view> without_origin(std::string_view target) {
  const size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  const std::string_view name = target.substr(0, scheme);
  if (!equal_without_case(name, "http") && !equal_without_case(name, "https")) return std::nullopt;
  const std::string_view rest = target.substr(scheme + 3);
  const size_t end = rest.find_first_of("/?");
  if (end == 0 || rest.empty()) return std::nullopt;
  if (end == std::string_view::npos) return "/";
  return rest.substr(end);
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i] == '+' && plus_is_space ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

Result<Target> split_target(std::string_view method, std::string_view target) {
  if (target == "*" && method == "OPTIONS") return Target{target, {}};
  if (!target.starts_with('/')) {
    const std::optional<std::string_view> rest = without_origin(target);
    if (!rest) {
      return make_error(Code::Malformed, "the request target is neither a path nor an http URL");
    }
    target = *rest;
  }
  if (target.find('#') != std::string_view::npos) {
    return make_error(Code::Malformed, "the request target has a fragment; send it without '#'");
  }
  const size_t mark = target.find('?');
  Target result{target.substr(0, mark), {}};
  if (mark != std::string_view::npos) result.query = target.substr(mark + 1);
  if (result.path.empty()) result.path = "/";
  return result;
}

Result<std::vector<Field>> parse_query(std::string_view query) {
  std::vector<Field> fields;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    const std::string_view encoded =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    std::optional<std::string> name = percent_decoded(pair.substr(0, equals), true);
    std::optional<std::string> value = percent_decoded(encoded, true);
    if (!name || !value) {
      return make_error(Code::Malformed, "the query has a '%' without two hexadecimal digits");
    }
    fields.push_back({std::move(*name), std::move(*value)});
  }
  return fields;
}

}  // namespace verge::http
