#pragma once
// ControlTokens: keeps control tokens out of text that others wrote, so that no message can speak
// for the template that it is put into.

#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/text/tokenizer.hpp>

namespace verge::text {

/// Immutable once made: threads may share it. Does not keep the tokenizer.
class ControlTokens {
 public:
  explicit ControlTokens(const Tokenizer& tokenizer);

  /// `text` with the text of every special token broken by a zero-width space (U+200B) behind its
  /// first byte. One pass.
  std::string harmless(std::string_view text) const;

 private:
  std::vector<std::string> pieces_;
  std::vector<bool> begins_;  // by first byte
};

}  // namespace verge::text
