#pragma once
// Bytes of a peer or a file as they may stand in an error: a few, and none that moves a cursor.

#include <string>
#include <string_view>

namespace verge::net {

inline std::string printable(std::string_view bytes, size_t most = 24) {
  std::string text(bytes.substr(0, most));
  for (char& letter : text) {
    if (letter < ' ' || letter > '~') letter = '?';
  }
  return text;
}

}  // namespace verge::net
