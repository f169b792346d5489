#pragma once
// StopStrings: cuts streamed text at the first stop string, and holds back text that may begin one.
//
//   StopStrings stop({"</s>", "User:"});
//   for (piece : generated) { show(stop.push(piece)); if (stop.stopped()) break; }
//   show(stop.flush());

#include <string>
#include <string_view>
#include <vector>

namespace verge::text {

/// One text stream; copy it to fork the stream. Results do not depend on how the text is cut into
/// pieces: the stop string whose last byte comes first wins, the longest of those that end
/// together. Empty stop strings are ignored. Cost: O(bytes * stop strings).
class StopStrings {
 public:
  explicit StopStrings(std::vector<std::string> stops);

  /// Takes the next piece and returns what may be shown now. After a stop: nothing.
  std::string push(std::string_view piece);
  /// The text still held back, for when the generation ends without a stop string.
  std::string flush();

  bool stopped() const { return stopped_; }
  /// The stop string that was found; empty before that.
  const std::string& matched() const { return matched_; }

 private:
  struct Pattern {
    std::string text;
    std::vector<size_t> border;  // border[i]: longest proper border of the first i + 1 bytes
    size_t matched = 0;          // bytes of `text` that the stream ends with
  };
  static Pattern make_pattern(std::string text);
  static void advance(Pattern& pattern, char byte);

  std::vector<Pattern> patterns_;
  std::string held_;
  std::string matched_;
  bool stopped_ = false;
};

}  // namespace verge::text
