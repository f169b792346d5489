#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/text/stop_strings.hpp>

namespace verge::text {
namespace {

struct Outcome {
  std::string shown;
  std::string matched;
  bool operator==(const Outcome&) const = default;
};

// The definition, by brute force: the earliest end of any stop string, the longest of those.
Outcome expected(const std::string& text, const std::vector<std::string>& stops) {
  for (size_t end = 1; end <= text.size(); ++end) {
    std::string longest;
    for (const std::string& stop : stops) {
      if (text.substr(0, end).ends_with(stop) && stop.size() > longest.size()) longest = stop;
    }
    if (!longest.empty()) return {text.substr(0, end - longest.size()), longest};
  }
  return {text, ""};
}

Outcome streamed(const std::string& text, const std::vector<std::string>& stops, Rng& rng) {
  StopStrings matcher(stops);
  std::string shown;
  for (size_t at = 0; at < text.size() && !matcher.stopped();) {
    const size_t length = std::min<size_t>(text.size() - at, rng.below(4));
    shown += matcher.push(text.substr(at, length));
    at += length;
  }
  return {shown + matcher.flush(), matcher.matched()};
}

TEST(StopStrings, AgreeWithBruteForceHoweverTheTextIsCut) {
  Rng rng(1);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text += static_cast<char>('a' + rng.below(2));
    std::vector<std::string> stops(1 + rng.below(3));
    for (std::string& stop : stops) {
      const uint32_t length = 2 + rng.below(4);
      for (uint32_t i = 0; i < length; ++i) stop += static_cast<char>('a' + rng.below(2));
    }
    EXPECT_EQ(streamed(text, stops, rng), expected(text, stops)) << text;
  }
}

TEST(StopStrings, HoldBackNoMoreThanMayBeginAStop) {
  StopStrings matcher({"</s>"});
  EXPECT_EQ(matcher.push("Hello <"), "Hello ");
  EXPECT_EQ(matcher.push("/b> <"), "</b> ");
  EXPECT_EQ(matcher.push("/s"), "");
  EXPECT_EQ(matcher.push("> more"), "");
  EXPECT_TRUE(matcher.stopped());
  EXPECT_EQ(matcher.matched(), "</s>");
  EXPECT_EQ(matcher.push("later"), "");
}

TEST(StopStrings, WithoutStopsShowEverythingAtOnce) {
  StopStrings matcher({"", ""});
  EXPECT_EQ(matcher.push("text"), "text");
  EXPECT_FALSE(matcher.stopped());
}

}  // namespace
}  // namespace verge::text
