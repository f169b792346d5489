#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/answer_renderer.hpp>

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

Choice llama_choice(StopReason reason) {
  Choice made;
  made.text = "Hi";
  made.reason = reason;
  made.usage = {.prompt_tokens = 5, .cached_tokens = 1, .answer_tokens = 2};
  return made;
}

TEST(LlamaAnswer, AWholeAnswerIsOneObject) {
  const auto renderer = llama_completion_renderer({.id = "r", .model = "m"});
  const Json json = Json::parse(renderer->whole({{llama_choice(StopReason::EndOfText)}, 1}));
  EXPECT_EQ(json["content"], "Hi");
  EXPECT_EQ(json["stop"], true);
  EXPECT_EQ(json["stop_type"], "eos");
  EXPECT_EQ(json["tokens_predicted"], 2);
  EXPECT_EQ(json["tokens_evaluated"], 5);
  const Choice cut = llama_choice(StopReason::MaxTokens);
  const Json many = Json::parse(renderer->whole({{cut, cut}, 1}));
  ASSERT_EQ(many.size(), 2u);
  EXPECT_EQ(many[1]["stop_type"], "limit");
}

TEST(LlamaAnswer, AStreamEndsWithItsStop) {
  const auto renderer = llama_completion_renderer({.id = "r", .model = "m"});
  const std::string piece = renderer->piece(0, {.text = "Hi"});
  ASSERT_TRUE(piece.starts_with("data: ") && piece.ends_with("\n\n"));
  EXPECT_EQ(Json::parse(piece.substr(6))["stop"], false);
  const std::string last = renderer->ending(0, llama_choice(StopReason::StopString));
  const Json end = Json::parse(last.substr(6));
  EXPECT_EQ(end["stop"], true);
  EXPECT_EQ(end["content"], "");
  EXPECT_EQ(end["stop_type"], "word");
  EXPECT_EQ(renderer->closing({}), "");
}

TEST(LlamaAnswer, TokensOfASplitModelSayWhereTheyWereMade) {
  const auto renderer = llama_completion_renderer({.id = "r1", .model = "m"});
  const std::string piece = renderer->piece(0, {.text = "a", .origins = {{"exit2", "sure"}}});
  EXPECT_NE(piece.find(R"("verge":{"places":["exit2"],"reasons":["sure"]})"), std::string::npos)
      << piece;
  Choice split;
  split.usage.places = {{"exit2", 1}};
  EXPECT_NE(renderer->ending(0, split).find(R"("verge":{"exit2":1})"), std::string::npos);
}

}  // namespace
}  // namespace verge::serve::api
