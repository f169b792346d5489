#include <gtest/gtest.h>

#include <verge/engine/model/exit_heads.hpp>

namespace verge::model {
namespace {

TEST(ExitHeads, TakeThePlaceOfOthers) {
  format::Metadata metadata;
  metadata.set("general.name", "m");
  const ExitHead heads[] = {{2, 1, {1, 2}}, {4, 1.5, {3, 4}}};
  write_exit_heads(heads, metadata);
  EXPECT_EQ(*metadata.get_array<int64_t>("verge.exit_layers"), (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(*metadata.get_array<float>("verge.exit.temperature"), (std::vector<float>{1, 1.5}));
  EXPECT_EQ(*metadata.get_array<float>("verge.exit.4.norm"), (std::vector<float>{3, 4}));
  write_exit_heads(std::span(heads).first(1), metadata);
  EXPECT_FALSE(metadata.contains("verge.exit.4.norm"));
  EXPECT_EQ(*metadata.get_array<int64_t>("verge.exit_layers"), (std::vector<int64_t>{2}));
  write_exit_heads({}, metadata);
  EXPECT_EQ(metadata.entries().size(), 1u);
}

}  // namespace
}  // namespace verge::model
