#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/answer_renderer.hpp>

#include "tiny_tokenizer.hpp"

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

AnswerMeta ollama_meta() {
  return {.id = "r1", .model = "m"};
}

Choice choice() {
  Choice made;
  made.text = "Hi";
  made.reason = StopReason::MaxTokens;
  made.usage = {.prompt_tokens = 5, .cached_tokens = 0, .answer_tokens = 2};
  made.timings.prefill_s = 0.25;
  made.timings.time_to_first_token_s = 0.5;
  made.timings.decode_s = 1;
  return made;
}

TEST(OllamaAnswer, AGenerationIsOneObject) {
  const Json json = Json::parse(ollama_generate_renderer(ollama_meta())->whole({{choice()}, 1}));
  EXPECT_EQ(json["response"], "Hi");
  EXPECT_EQ(json["created_at"], "1970-01-01T00:00:00Z");
  EXPECT_EQ(json["done"], true);
  EXPECT_EQ(json["done_reason"], "length");
  EXPECT_EQ(json["total_duration"], 1'500'000'000);
  EXPECT_EQ(json["prompt_eval_count"], 5);
  EXPECT_EQ(json["prompt_eval_duration"], 250'000'000);
  EXPECT_EQ(json["eval_count"], 2);
  EXPECT_EQ(json["eval_duration"], 1'000'000'000);
}

TEST(OllamaAnswer, AChatStreamsLines) {
  const auto renderer = ollama_chat_renderer(ollama_meta());
  EXPECT_EQ(renderer->opening(0), "");
  const std::string line = renderer->piece(0, {.text = "Hi\n"});
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  const Json piece = Json::parse(line);
  EXPECT_EQ(piece["message"].dump(), R"({"role":"assistant","content":"Hi\n"})");
  EXPECT_EQ(piece["done"], false);
  EXPECT_EQ(Json::parse(renderer->ending(0, choice()))["done"], true);
  EXPECT_EQ(renderer->closing({}), "");
}

TEST(OllamaAnswer, ArgumentsAreObjects) {
  const auto renderer = ollama_chat_renderer(ollama_meta());
  const Json json =
      Json::parse(renderer->piece(0, {.calls = {{"f", "{\"x\":1}"}, {"g", "broken"}}}));
  EXPECT_EQ(json["message"]["tool_calls"][0]["function"].dump(),
            R"({"name":"f","arguments":{"x":1}})");
  EXPECT_TRUE(json["message"]["tool_calls"][1]["function"]["arguments"].empty());
}

TEST(OllamaAnswer, ThinkingStandsBesideTheAnswer) {
  Choice thought = choice();
  thought.reasoning = "Well";
  EXPECT_EQ(
      Json::parse(ollama_chat_renderer(ollama_meta())->whole({{thought}, 1}))["message"].dump(),
      R"({"role":"assistant","content":"Hi","thinking":"Well"})");
  const Json piece =
      Json::parse(ollama_generate_renderer(ollama_meta())->piece(0, {.reasoning = "We"}));
  EXPECT_EQ(piece["thinking"], "We");
  EXPECT_EQ(piece["response"], "");
}

TEST(OllamaAnswer, AFailureIsALine) {
  EXPECT_EQ(ollama_chat_renderer(ollama_meta())->failure({503, "x", "bye"}),
            "{\"error\":\"bye\"}\n");
}

TEST(OllamaAnswer, TokensOfASplitModelSayWhereTheyWereMade) {
  const auto renderer = ollama_chat_renderer(ollama_meta());
  const Json line =
      Json::parse(renderer->piece(0, {.text = "Hi", .origins = {{"degraded", "link down"}}}));
  EXPECT_EQ(line["verge"], Json({{"places", {"degraded"}}, {"reasons", {"link down"}}}));
  Choice split = choice();
  split.origins = {{"degraded", "link down"}};
  split.usage.places = {{"cloud", 0}, {"degraded", 1}};
  EXPECT_EQ(Json::parse(renderer->ending(0, split))["verge"],
            Json({{"cloud", 0}, {"degraded", 1}}));
  const Json whole = Json::parse(renderer->whole({{split}, 1}))["verge"];
  EXPECT_EQ(whole["places"][0], "degraded");
  EXPECT_EQ(whole["degraded"], 1);
}

}  // namespace
}  // namespace verge::serve::api
