#include <gtest/gtest.h>

#include <verge/engine/model/training_text.hpp>

#include "temporary_folder.hpp"

namespace verge::model {
namespace {

TEST(TrainingText, TheEndIsHeldOutFromALineOn) {
  const test::TemporaryFolder folder;
  const auto text = read_training_text(
      {folder.add("a", "one\ntwo\nthree\n"), folder.add("b", "four\nfive\n")}, 0.3);
  ASSERT_TRUE(text.ok()) << text.error().message;
  EXPECT_EQ(text->training(), "one\ntwo\nthree\n");
  EXPECT_EQ(text->held_out(), "four\nfive\n");
  EXPECT_EQ(read_training_text({folder.add("c", "no line at all")}, 0.5)->training(), "no line");
  EXPECT_EQ(read_training_text({folder / "none"}, 0.5).error().code, Code::NotFound);
}

TEST(TrainingText, TooLittleIsRefused) {
  EXPECT_TRUE(check_training_text(9, 9, 8));
  EXPECT_EQ(check_training_text(8, 9, 8).error().code, Code::InvalidArgument);
  EXPECT_EQ(check_training_text(9, 8, 8).error().code, Code::InvalidArgument);
}

TEST(TrainingText, BatchesAreAFunctionOfSeedAndStep) {
  std::vector<int32_t> data(100);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<int32_t>(i);
  const auto draw = [&](uint64_t seed, int64_t step) {
    std::vector<int32_t> tokens(24), targets(24);
    draw_batch(data, seed, step, 8, tokens, targets);
    for (size_t i = 0; i < tokens.size(); ++i) EXPECT_EQ(targets[i], tokens[i] + 1);
    return tokens;
  };
  EXPECT_EQ(draw(1, 5), draw(1, 5));
  EXPECT_NE(draw(1, 5), draw(1, 6));
  EXPECT_NE(draw(1, 5), draw(2, 5));
}

}  // namespace
}  // namespace verge::model
