#pragma once
// SpecialTokens: finds tokens that are taken from text as a whole, before anything else.

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace verge::text {

/// A part of a text: a special token, or text between two (then `token` is -1).
struct Fragment {
  std::string_view text;
  int32_t token = -1;
};

/// Immutable once made: threads may share it.
class SpecialTokens {
 public:
  struct Entry {
    std::string text;
    int32_t token;
    bool strips_after = false;  // white space behind it belongs to no fragment
  };
  /// Entries with empty text are ignored.
  explicit SpecialTokens(const std::vector<Entry>& entries);

  /// `text` in order, without empty fragments. Longer tokens are found first, wherever they are,
  /// and the leftmost of equal length: in "abc" with the tokens "ab" and "b", "ab". Fragments point
  /// into `text`; what a token strips is in none. O(distinct lengths * bytes).
  std::vector<Fragment> split(std::string_view text) const;

 private:
  struct Match {
    int32_t token;
    bool strips_after;
  };
  struct Length {
    size_t bytes;
    std::bitset<256> first;  // bytes that a token of this length starts with
    std::unordered_map<std::string, Match> tokens;
  };
  static void split_fragment(const Length& length, std::string_view text,
                             std::vector<Fragment>& out);

  std::vector<Length> lengths_;  // descending
};

}  // namespace verge::text
