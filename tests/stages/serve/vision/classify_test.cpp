#include <cmath>

#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/stages/serve/vision/classify.hpp>

namespace verge::serve {
namespace {

TEST(Classify, LogitsBecomeProbabilities) {
  const float logits[] = {1, 3, -2, 3};
  const auto values = probabilities_of(logits);
  const double total = std::exp(-2.0) + 1 + std::exp(-5.0) + 1;
  EXPECT_NEAR(values[0], std::exp(-2.0) / total, 1e-9);
  EXPECT_NEAR(values[1], 1 / total, 1e-9);
  const float large[] = {1000, 999};
  EXPECT_NEAR(probabilities_of(large)[0], 1 / (1 + std::exp(-1.0)), 1e-9);
}

TEST(Classify, ADistributionStaysAsItIs) {
  const float scores[] = {0.25f, 0.125f, 0.625f};
  EXPECT_EQ(probabilities_of(scores), (std::vector<double>{0.25, 0.125, 0.625}));
  const float no_sum[] = {0.25f, 0.125f, 0.125f};
  EXPECT_NE(probabilities_of(no_sum)[0], 0.25);
}

TEST(Classify, TheLikeliestComeFirstAndTheLowerOfEqualOnes) {
  const float scores[] = {1, 5, 5, 7, 0};
  const auto best = likeliest(scores, 3);
  ASSERT_EQ(best.size(), 3u);
  EXPECT_EQ(best[0].index, 3);
  EXPECT_EQ(best[1].index, 1);
  EXPECT_EQ(best[2].index, 2);
  EXPECT_EQ(likeliest(scores, 9).size(), 5u);
  const float broken[] = {NAN, 1, NAN};
  EXPECT_EQ(likeliest(broken, 3).size(), 3u);
}

TEST(Classify, LabelsAreLinesOrJson) {
  const test::TemporaryFolder folder;
  const std::pair<const char*, const char*> files[] = {
      {"lines.txt", "cat\nblack dog\r\n"},
      {"array.json", R"(["cat", "black dog"])"},
      {"object.json", R"({"1": "black dog", "0": "cat"})"},
      {"imagenet.json", R"({"0": ["n1", "cat"], "1": ["n2", "black dog"]})"},
  };
  for (const auto& [name, text] : files) {
    const auto labels = read_labels(folder.add(name, text));
    ASSERT_TRUE(labels) << labels.error().message;
    EXPECT_EQ(*labels, (std::vector<std::string>{"cat", "black dog"})) << name;
    EXPECT_EQ(label_of(*labels, 1), "black dog");
    EXPECT_EQ(label_of(*labels, 2), "class 2");
  }
}

TEST(Classify, BadLabelsAreNamed) {
  const test::TemporaryFolder folder;
  const std::pair<const char*, const char*> files[] = {{"[1", "begins as JSON"},
                                                       {R"([["a", 1]])", "is no text"},
                                                       {R"({"x": "a"})", "no class"},
                                                       {R"({"99999999": "a"})", "no class"}};
  for (const auto& [text, part] : files) {
    const auto labels = read_labels(folder.add("a.json", text));
    ASSERT_FALSE(labels) << text;
    EXPECT_NE(labels.error().message.find("a.json: "), std::string::npos);
    EXPECT_NE(labels.error().message.find(part), std::string::npos) << labels.error().message;
  }
}

}  // namespace
}  // namespace verge::serve
