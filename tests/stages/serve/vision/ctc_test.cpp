#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/stages/serve/vision/ctc.hpp>

namespace verge::serve {
namespace {

// Steps that are sure of one class each.
std::vector<float> sure_steps(const std::vector<int>& path, int64_t classes, float sure = 0.8f) {
  std::vector<float> scores;
  for (const int best : path) {
    for (int c = 0; c < classes; ++c) {
      scores.push_back(c == best ? sure : (1 - sure) / static_cast<float>(classes - 1));
    }
  }
  return scores;
}

TEST(Ctc, BlanksGoAndNeighboursJoin) {
  const std::vector<std::string> characters = {"a", "b", "é"};
  const auto text = [&](const std::vector<int>& path) {
    return greedy_ctc(sure_steps(path, 4), 4, characters).text;
  };
  EXPECT_EQ(text({1, 1, 0, 1, 2, 2, 3}), "aabé");
  EXPECT_EQ(text({0, 0, 0}), "");
  EXPECT_EQ(text({2, 1, 2}), "bab");
  EXPECT_EQ(text({}), "");
}

TEST(Ctc, ConfidenceIsTheMeanOfWhatIsKept) {
  const std::vector<std::string> characters = {"a", "b"};
  std::vector<float> scores = sure_steps({1, 1}, 3, 0.9f);
  const auto more = sure_steps({2, 0}, 3, 0.5f);
  scores.insert(scores.end(), more.begin(), more.end());
  EXPECT_NEAR(greedy_ctc(scores, 3, characters).confidence, 0.7, 1e-6);
  EXPECT_EQ(greedy_ctc(sure_steps({0}, 3), 3, characters).confidence, 0);
}

TEST(Ctc, TheListMustFitTheNetwork) {
  const test::TemporaryFolder folder;
  const std::string path = folder.add("keys.txt", "[\nb\nc\n");
  EXPECT_EQ(*read_characters(path, 4), (std::vector<std::string>{"[", "b", "c"}));
  EXPECT_EQ(*read_characters(path, 5), (std::vector<std::string>{"[", "b", "c", " "}));
  const auto other = read_characters(path, 7);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("3 characters, but the recogniser has 7 classes"),
            std::string::npos);
}

}  // namespace
}  // namespace verge::serve
