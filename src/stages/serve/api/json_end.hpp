#pragma once
// JsonEnd: where a JSON object or array ends in a text that still grows. Each byte is read once.

#include <cstddef>
#include <optional>
#include <string_view>

namespace verge::serve::api {

class JsonEnd {
 public:
  /// `text`: the value from its first bracket on, longer than at the last call. The bytes up to and
  /// with its last bracket, once that is there.
  std::optional<size_t> find(std::string_view text);

 private:
  size_t read_ = 0;
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace verge::serve::api
