#include <algorithm>
#include <utility>

#include <verge/engine/text/stop_strings.hpp>

namespace verge::text {

StopStrings::StopStrings(std::vector<std::string> stops) {
  for (std::string& stop : stops) {
    if (!stop.empty()) patterns_.push_back(make_pattern(std::move(stop)));
  }
}

// Knuth, Morris and Pratt 1977: the borders say how much of a failed match still counts.
StopStrings::Pattern StopStrings::make_pattern(std::string text) {
  Pattern pattern{std::move(text), {0}};
  for (size_t i = 1; i < pattern.text.size(); ++i) {
    size_t length = pattern.border[i - 1];
    while (length > 0 && pattern.text[i] != pattern.text[length]) {
      length = pattern.border[length - 1];
    }
    pattern.border.push_back(pattern.text[i] == pattern.text[length] ? length + 1 : 0);
  }
  return pattern;
}

void StopStrings::advance(Pattern& pattern, char byte) {
  while (pattern.matched > 0 && pattern.text[pattern.matched] != byte) {
    pattern.matched = pattern.border[pattern.matched - 1];
  }
  if (pattern.text[pattern.matched] == byte) ++pattern.matched;
}

std::string StopStrings::push(std::string_view piece) {
  if (stopped_) return {};
  for (char byte : piece) {
    held_ += byte;
    for (Pattern& pattern : patterns_) {
      advance(pattern, byte);
      if (pattern.matched < pattern.text.size()) continue;
      stopped_ = true;
      if (pattern.text.size() > matched_.size()) matched_ = pattern.text;
    }
    if (stopped_) {
      held_.resize(held_.size() - matched_.size());
      return flush();
    }
  }
  size_t may_begin = 0;
  for (const Pattern& pattern : patterns_) may_begin = std::max(may_begin, pattern.matched);
  std::string shown = held_.substr(0, held_.size() - may_begin);
  held_.erase(0, shown.size());
  return shown;
}

std::string StopStrings::flush() {
  for (Pattern& pattern : patterns_) pattern.matched = 0;
  return std::exchange(held_, {});
}

}  // namespace verge::text
