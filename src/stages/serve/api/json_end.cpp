#include <verge/stages/serve/api/json_end.hpp>

namespace verge::serve::api {

std::optional<size_t> JsonEnd::find(std::string_view text) {
  for (; read_ < text.size(); ++read_) {
    const char c = text[read_];
    if (in_string_) {
      if (c == '"' && !escaped_) in_string_ = false;
      escaped_ = c == '\\' && !escaped_;
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if ((c == '}' || c == ']') && --depth_ <= 0) {
      return ++read_;
    }
  }
  return std::nullopt;
}

}  // namespace verge::serve::api
