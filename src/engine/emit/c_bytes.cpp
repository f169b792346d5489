#include <algorithm>

#include <fmt/format.h>

#include <verge/engine/emit/c_bytes.hpp>

namespace verge::emit {
namespace {

constexpr int64_t kRowBytes = 4000;
constexpr size_t kLineCharacters = 112;

bool is_octal_digit(std::byte byte) {
  const auto c = static_cast<char>(byte);
  return c >= '0' && c <= '7';
}

// A question mark could begin a trigraph.
bool stands_for_itself_in_c(char c) {
  return c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '?';
}

void append_row(std::string& text, std::span<const std::byte> row) {
  text += "  \"";
  size_t line = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    if (line >= kLineCharacters) {
      text += "\"\n  \"";
      line = 0;
    }
    const size_t before = text.size();
    const auto c = static_cast<char>(row[i]);
    if (stands_for_itself_in_c(c)) {
      text += c;
    } else {  // an escape ends at the first character that is no digit, or after three of them
      const bool is_long = i + 1 < row.size() && is_octal_digit(row[i + 1]);
      fmt::format_to(std::back_inserter(text), "\\{:0{}o}", static_cast<unsigned>(row[i]),
                     is_long ? 3 : 1);
    }
    line += text.size() - before;
  }
  text += "\",\n";
}

}  // namespace

const std::string_view kRowsWithoutZero = R"(
#if defined(__clang__) ? __clang_major__ >= 21 : __GNUC__ >= 15
#pragma GCC diagnostic ignored "-Wunterminated-string-initialization" /* rows end without a zero */
#endif
)";

std::string c_bytes_declaration(std::string_view name, int64_t bytes) {
  return fmt::format("const unsigned char {}[{}][{}]", name,
                     std::max<int64_t>((bytes + kRowBytes - 1) / kRowBytes, 1), kRowBytes);
}

std::string c_bytes_rows(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve(bytes.size() * 3);
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), static_cast<size_t>(kRowBytes));
    append_row(text, bytes.first(size));
    bytes = bytes.subspan(size);
  }
  return text.empty() ? "  \"\",\n" : text;
}

std::string c_bytes_pointer(std::string_view name) {
  return fmt::format("(const unsigned char *){}", name);
}

}  // namespace verge::emit
