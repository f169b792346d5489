#pragma once
// Names and texts of a model, which anybody may have written, as parts of a C source.

#include <set>
#include <string>
#include <string_view>

namespace verge::emit {

/// Letters, digits and underscores of `text`, each other byte an underscore; "x" for nothing.
std::string c_identifier(std::string_view text);
/// What may stand between the signs of a comment: no byte that could end it or the line.
std::string c_comment(std::string_view text);
/// A string literal with its quotes.
std::string c_string(std::string_view text);

/// The elements of an initializer, with commas, in lines of at most 120 characters.
class CList {
 public:
  void add(std::string_view element);
  std::string str() const { return text_ + line_ + "\n"; }

 private:
  std::string text_, line_ = " ";
};

/// Identifiers that differ from each other.
class CNames {
 public:
  /// `prefix` and the identifier of `text`, with a number behind it if that was given already.
  std::string unique(std::string_view prefix, std::string_view text);

 private:
  std::set<std::string, std::less<>> given_;
};

}  // namespace verge::emit
