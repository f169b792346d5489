#include <gtest/gtest.h>

#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::fit {
namespace {

TEST(PlanSettings, ReadWhatTheyPrint) {
  PlanSettings settings{.model = "a.gguf", .hash = "0f", .shape = {.batch = 3, .tokens = 7}};
  settings.shape.inputs = {{"x", Shape{3, 8, 9}, std::nullopt}, {"rate", Shape{}, 16000.0}};
  settings.shape.output = "y";
  settings.optimizer = {.kind = graph::OptimizerKind::Lion, .beta2 = 0.99, .weight_decay = 0.3};
  settings.scheme.layers["w"] = {.kind = nn::UpdateKind::Bias};
  settings.scheme.lora = graph::LowRank{2, 3};
  settings.low_rank = {"w", "v"};
  settings.parameters = 12;
  const auto read = parse_settings(print_settings(settings));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(print_settings(*read), print_settings(settings));
  EXPECT_TRUE(read->scheme == settings.scheme);
  ASSERT_EQ(read->shape.inputs.size(), 2u);
  EXPECT_EQ(read->shape.inputs[0].shape, Shape({3, 8, 9}));
  EXPECT_EQ(read->shape.inputs[1].value, 16000.0);
  EXPECT_EQ(read->shape.output, "y");
}

// A checkpoint resumes only where it finds this text again.
TEST(PlanSettings, OfOnePassTheyReadAsBeforeThereWereSeveral) {
  EXPECT_EQ(print_settings({}).find("accumulate"), std::string::npos);
  EXPECT_EQ(parse_settings(print_settings({}))->accumulate, 1);
  EXPECT_EQ(parse_settings(print_settings({.accumulate = 3}))->accumulate, 3);
}

TEST(PlanSettings, RefuseWhatIsDamaged) {
  const std::string whole = print_settings({});
  for (size_t length = 0; length < whole.size(); length += 7) {
    EXPECT_FALSE(parse_settings(whole.substr(0, length))) << length;
  }
  EXPECT_EQ(parse_settings("{}").error().code, Code::Malformed);
}

TEST(PlanSettings, RefuseWhatNoCompilationWrites) {
  PlanSettings settings{.shape = {.batch = 3, .tokens = 7}, .low_rank = {"w"}, .seed = 5};
  settings.shape.inputs = {{"x", Shape{3, 8, 9}, std::nullopt}};
  settings.scheme.lora = graph::LowRank{2, 3};
  const std::string whole = print_settings(settings);
  ASSERT_TRUE(parse_settings(whole));
  const std::pair<std::string_view, std::string_view> changes[] = {
      {"\"batch\":3", "\"batch\":0"},
      {"\"batch\":3", "\"batch\":2.5"},
      {"\"batch\":3", "\"batch\":1e300"},
      {"\"tokens\":7", "\"tokens\":-7"},
      {"\"seed\":5", "\"seed\":-5"},
      {"\"seed\":5", "\"seed\":0.5"},
      {"\"name\":\"adamw\"", "\"name\":\"adam\""},
      {"[3,8,9]", "[1,1,1,1,3,8,9]"},
      {"[3,8,9]", "[3,8,0]"},
      {"[3,8,9]", "{}"},
      {"\"parameters\":0", "\"parameters\":-1"}};
  for (const auto& [from, to] : changes) {
    std::string text = whole;
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const auto read = parse_settings(text);
    ASSERT_FALSE(read) << to;
    EXPECT_EQ(read.error().code, Code::Malformed) << to;
  }
  settings.scheme.lora.reset();
  EXPECT_EQ(parse_settings(print_settings(settings)).error().code, Code::Malformed);
}

TEST(PlanSettings, NamesThatAreNoUtf8ArePrinted) {
  EXPECT_TRUE(parse_settings(print_settings({.model = "\xff.gguf"})));
}

}  // namespace
}  // namespace verge::fit
