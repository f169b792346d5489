#include <fmt/format.h>

#include <verge/engine/emit/c_names.hpp>

namespace verge::emit {
namespace {

bool is_plain(char c) {  // in the C locale
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

std::string c_identifier(std::string_view text) {
  std::string name(text);
  for (char& c : name) {
    if (!is_plain(c)) c = '_';
  }
  return name.empty() ? "x" : name;
}

std::string c_comment(std::string_view text) {
  std::string comment(text);
  for (char& c : comment) {
    const bool is_harmless =
        is_plain(c) || std::string_view(" .,:;()[]<>=+-/").find(c) != std::string_view::npos;
    if (!is_harmless) c = '_';
  }
  for (size_t at = 0; (at = comment.find("//", at)) != std::string::npos;) comment[at] = '_';
  if (comment.starts_with('/')) comment[0] = '_';  // beside a star it would be a sign
  if (comment.ends_with('/')) comment.back() = '_';
  return comment;
}

std::string c_string(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    const bool is_harmless =
        is_plain(c) || std::string_view(" .,:;()[]<>=+-/").find(c) != std::string_view::npos;
    literal +=
        is_harmless ? std::string(1, c) : fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  }
  return literal + "\"";
}

void CList::add(std::string_view element) {
  if (line_.size() + element.size() > 117) {
    text_ += line_ + "\n";
    line_ = " ";
  }
  line_.append(" ").append(element).append(",");
}

std::string CNames::unique(std::string_view prefix, std::string_view text) {
  const std::string name = std::string(prefix) + c_identifier(text);
  std::string candidate = name;
  for (int i = 2; !given_.insert(candidate).second; ++i) candidate = fmt::format("{}_{}", name, i);
  return candidate;
}

}  // namespace verge::emit
