#include <limits>

#include <verge/stages/serve/api/answer_facts.hpp>

#include "tiny_tokenizer.hpp"

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

TEST(AnswerFacts, ReasonsAreThreeWords) {
  Choice choice;
  const std::pair<StopReason, std::string_view> reasons[] = {{StopReason::EndOfText, "stop"},
                                                             {StopReason::StopString, "stop"},
                                                             {StopReason::MaxTokens, "length"},
                                                             {StopReason::ContextFull, "length"}};
  for (const auto& [reason, word] : reasons) {
    choice.reason = reason;
    EXPECT_EQ(finish_reason(choice), word);
  }
  choice.calls = {{"f", "{}"}};
  EXPECT_EQ(finish_reason(choice), "tool_calls");
}

TEST(AnswerFacts, WhatMadeAnAnswerLongIsNamed) {
  Choice choice;
  EXPECT_EQ(length_limit(choice), "");
  choice.reason = StopReason::MaxTokens;
  EXPECT_EQ(length_limit(choice), "max_tokens");
  choice.length_limit = LengthLimit::Quota;
  EXPECT_EQ(length_limit(choice), "quota");
  choice.reason = StopReason::ContextFull;
  EXPECT_EQ(length_limit(choice), "context");
  Json json;
  add_finish(json, choice);
  EXPECT_EQ(json.dump(), R"({"finish_reason":"length","length_limit":"context"})");
  choice.calls = {{"f", "{}"}};
  EXPECT_EQ(length_limit(choice), "");
}

TEST(AnswerFacts, APromptCountsOnceForAllItsChoices) {
  Answers answers;
  answers.choices_per_prompt = 2;
  for (int i = 0; i < 4; ++i) {
    Choice choice;
    choice.usage = {.prompt_tokens = 10,
                    .cached_tokens = 4,
                    .answer_tokens = 3,
                    .draft_tokens = 3,
                    .accepted_tokens = 1};
    answers.choices.push_back(choice);
  }
  const Usage total = total_usage(answers);
  EXPECT_EQ(usage_json(total).dump(),
            R"({"prompt_tokens":20,"completion_tokens":12,"total_tokens":32,)"
            R"("prompt_tokens_details":{"cached_tokens":8},)"
            R"("completion_tokens_details":{"accepted_prediction_tokens":4,)"
            R"("rejected_prediction_tokens":8}})");
}

TEST(AnswerFacts, SpeedsAreOfWhatWasComputed) {
  Choice choice;
  choice.usage = {.prompt_tokens = 100, .cached_tokens = 60, .answer_tokens = 11};
  choice.timings.prefill_s = 0.5;
  choice.timings.decode_s = 2;
  const Json json = timings_json(choice);
  EXPECT_EQ(json["prompt_per_second"], 80.0);
  EXPECT_EQ(json["predicted_per_second"], 5.0);
  EXPECT_EQ(timings_json(Choice{})["predicted_per_second"], 0.0);
}

TEST(AnswerFacts, LogprobsNameTokensAndBytes) {
  const auto tokenizer = tiny_tokenizer();
  const int32_t token = tokenizer->encode("h")[0];
  const std::vector<TokenLogprobs> logprobs = {
      {{token, -0.5f}, {{token, -0.5f}, {token + 1, -std::numeric_limits<float>::infinity()}}}};
  const Json chat = chat_logprobs(*tokenizer, logprobs);
  EXPECT_EQ(chat[0]["token"], "h");
  EXPECT_EQ(chat[0]["bytes"], Json::array({104}));
  EXPECT_EQ(chat[0]["top_logprobs"][1]["logprob"], -9999.0);
  int64_t offset = 3;
  const Json legacy = completion_logprobs(*tokenizer, logprobs, offset);
  EXPECT_EQ(legacy["tokens"], Json::array({"h"}));
  EXPECT_EQ(legacy["token_logprobs"], Json::array({-0.5}));
  EXPECT_EQ(legacy["text_offset"], Json::array({3}));
  EXPECT_EQ(offset, 4);
}

TEST(AnswerFacts, CharactersAreCodePoints) {
  EXPECT_EQ(characters_of("a\u00e9\u20ac\U0001F600"), 4);
  EXPECT_EQ(characters_of(""), 0);
  EXPECT_EQ(characters_of("\x82\xAC"), 0);  // the rest of one that began before
}

TEST(AnswerFacts, HalfACharacterIsStillJson) {
  const auto tokenizer = tiny_tokenizer();
  for (int32_t token = 0; token < tokenizer->size(); ++token) {
    const Json json = chat_logprobs(*tokenizer, {{{token, -1}, {}}});
    EXPECT_EQ(Json::parse(line_of(json)), json) << token;
  }
  EXPECT_EQ(line_of(Json("\xFF")), "\"\xEF\xBF\xBD\"");
}

TEST(AnswerFacts, TimesAreRfc3339) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339(1795862700), "2026-11-28T10:45:00Z");
}

}  // namespace
}  // namespace verge::serve::api
