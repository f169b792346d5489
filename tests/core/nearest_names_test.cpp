#include <gtest/gtest.h>

#include <verge/core/nearest_names.hpp>

namespace verge {
namespace {

using Names = std::vector<std::string>;

TEST(NearestNames, FindsTyposAndParts) {
  const Names known = {"qwen2.5-0.5b", "qwen2.5-7b", "verge-lm", "llama-3", "phi"};
  EXPECT_EQ(nearest_names("qwen", known), (Names{"qwen2.5-0.5b", "qwen2.5-7b"}));
  EXPECT_EQ(nearest_names("vergelm", known), Names{"verge-lm"});
  EXPECT_EQ(nearest_names("lalma-3", known), Names{"llama-3"});
  EXPECT_EQ(nearest_names("ph", known), Names{"phi"});
  EXPECT_EQ(nearest_names("mistral", known), Names{});
  EXPECT_EQ(nearest_names("", known), Names{});
  EXPECT_EQ(nearest_names("x", {}), Names{});
}

TEST(NearestNames, NearestFirstAndAtMostThree) {
  const Names known = {"abcdefghi1", "abcdefgh12", "abcdefg123", "abcdefghi"};
  EXPECT_EQ(nearest_names("abcdefghij", known), (Names{"abcdefghi", "abcdefghi1", "abcdefgh12"}));
}

}  // namespace
}  // namespace verge
