#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/answer_renderer.hpp>

#include "tiny_tokenizer.hpp"

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

AnswerMeta meta() {
  return {.id = "r1", .model = "m", .created_unix_s = 7, .tokenizer = tiny_tokenizer()};
}

// The objects of "data: {...}\n\n" frames.
std::vector<Json> events(const std::string& text) {
  std::vector<Json> all;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = text.find("\n\n", at);
    EXPECT_EQ(text.substr(at, 6), "data: ");
    const std::string data = text.substr(at + 6, end - at - 6);
    all.push_back(data == "[DONE]" ? Json(data) : Json::parse(data));
    at = end + 2;
  }
  return all;
}

Choice choice(const std::string& text) {
  Choice made;
  made.text = text;
  made.usage = {.prompt_tokens = 5, .cached_tokens = 1, .answer_tokens = 2};
  return made;
}

TEST(OpenAiAnswer, AChatIsOneObject) {
  const auto renderer = openai_chat_renderer(meta());
  const Json json = Json::parse(renderer->whole({{choice("Hi"), choice("Ho")}, 2}));
  EXPECT_EQ(json["id"], "chatcmpl-r1");
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["created"], 7);
  EXPECT_EQ(json["choices"][1]["index"], 1);
  EXPECT_EQ(json["choices"][1]["message"]["content"], "Ho");
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_TRUE(json["choices"][0]["logprobs"].is_null());
  EXPECT_EQ(json["usage"]["total_tokens"], 9);
  EXPECT_TRUE(json.contains("timings"));
}

TEST(OpenAiAnswer, CallsTakeTheContentsPlace) {
  Choice called = choice("");
  called.calls = {{"f", "{\"x\":1}"}, {"g", "{}"}};
  const auto renderer = openai_chat_renderer(meta());
  const Json json = Json::parse(renderer->whole({{called}, 1}))["choices"][0];
  EXPECT_TRUE(json["message"]["content"].is_null());
  EXPECT_EQ(json["finish_reason"], "tool_calls");
  const Json& calls = json["message"]["tool_calls"];
  EXPECT_EQ(calls[0]["function"].dump(), R"({"name":"f","arguments":"{\"x\":1}"})");
  EXPECT_EQ(calls[1]["type"], "function");
  EXPECT_NE(calls[0]["id"], calls[1]["id"]);
}

TEST(OpenAiAnswer, FunctionsAreAnsweredInTheirOwnForm) {
  AnswerMeta facts = meta();
  facts.legacy_calls = true;
  Choice called = choice("");
  called.calls = {{"f", "{}"}};
  const auto renderer = openai_chat_renderer(facts);
  const Json whole = Json::parse(renderer->whole({{called}, 1}))["choices"][0];
  EXPECT_EQ(whole["finish_reason"], "function_call");
  EXPECT_EQ(whole["message"]["function_call"].dump(), R"({"name":"f","arguments":"{}"})");
  EXPECT_FALSE(whole["message"].contains("tool_calls"));
  const auto piece = events(renderer->piece(0, {.calls = called.calls}));
  EXPECT_EQ(piece[0]["choices"][0]["delta"]["function_call"]["name"], "f");
  const auto last = events(renderer->ending(0, called));
  EXPECT_EQ(last[0]["choices"][0]["finish_reason"], "function_call");
}

TEST(OpenAiAnswer, ReasoningStandsBesideTheContent) {
  Choice thought = choice("Yes");
  thought.reasoning = "Well";
  const auto renderer = openai_chat_renderer(meta());
  const Json message = Json::parse(renderer->whole({{thought}, 1}))["choices"][0]["message"];
  EXPECT_EQ(message["reasoning_content"], "Well");
  EXPECT_EQ(message["content"], "Yes");
  const auto sent = events(renderer->piece(0, {.reasoning = "Well"}));
  EXPECT_EQ(sent[0]["choices"][0]["delta"].dump(), R"({"reasoning_content":"Well"})");
}

TEST(OpenAiAnswer, MistralsCallsHaveIdsOfNine) {
  AnswerMeta facts = meta();
  facts.short_call_ids = true;
  Choice called = choice("");
  called.calls = {{"f", "{}"}, {"g", "{}"}};
  const Json message =
      Json::parse(openai_chat_renderer(facts)->whole({{called}, 1}))["choices"][0]["message"];
  const std::string first = message["tool_calls"][0]["id"], second = message["tool_calls"][1]["id"];
  EXPECT_NE(first, second);
  for (const std::string& id : {first, second}) {
    EXPECT_EQ(id.size(), 9u);
    EXPECT_EQ(
        id.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        id.npos);
  }
}

TEST(OpenAiAnswer, AChatStreamsRoleTextReasonUsageAndDone) {
  AnswerMeta facts = meta();
  facts.stream_usage = true;
  const auto renderer = openai_chat_renderer(facts);
  std::string text = renderer->opening(0);
  text += renderer->piece(0, {.text = "Hi"});
  text += renderer->piece(0, {.calls = {{"f", "{}"}}});
  text += renderer->piece(0, {.calls = {{"g", "{}"}}});
  text += renderer->ending(0, choice(""));
  text += renderer->closing({{choice("")}, 1});
  const auto sent = events(text);
  ASSERT_EQ(sent.size(), 7u);
  EXPECT_EQ(sent[0]["choices"][0]["delta"]["role"], "assistant");
  EXPECT_EQ(sent[1]["choices"][0]["delta"].dump(), R"({"content":"Hi"})");
  EXPECT_EQ(sent[3]["choices"][0]["delta"]["tool_calls"][0]["index"], 1);
  EXPECT_EQ(sent[4]["choices"][0]["finish_reason"], "stop");
  EXPECT_TRUE(sent[4]["usage"].is_null());
  EXPECT_TRUE(sent[5]["choices"].empty());
  EXPECT_EQ(sent[5]["usage"]["prompt_tokens_details"]["cached_tokens"], 1);
  EXPECT_EQ(sent[6], "[DONE]");
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(sent[i]["object"], "chat.completion.chunk");
}

TEST(OpenAiAnswer, BothFormsTellWhatCutAnAnswer) {
  Choice cut = choice("x");
  cut.reason = StopReason::MaxTokens;
  cut.length_limit = LengthLimit::Quota;
  for (const auto& renderer : {openai_chat_renderer(meta()), openai_completion_renderer(meta())}) {
    const Json whole = Json::parse(renderer->whole({{cut}, 1}))["choices"][0];
    const Json last = events(renderer->ending(0, cut))[0]["choices"][0];
    for (const Json& json : {whole, last}) {
      EXPECT_EQ(json["finish_reason"], "length");
      EXPECT_EQ(json["length_limit"], "quota");
    }
    const Json early = events(renderer->piece(0, {.text = "x"}))[0]["choices"][0];
    EXPECT_TRUE(early["finish_reason"].is_null());
    EXPECT_FALSE(early.contains("length_limit"));
  }
}

TEST(OpenAiAnswer, WithoutAskingThereIsNoUsageInAStream) {
  const auto renderer = openai_chat_renderer(meta());
  EXPECT_EQ(renderer->closing({{choice("")}, 1}), "data: [DONE]\n\n");
  EXPECT_FALSE(events(renderer->opening(0))[0].contains("usage"));
}

TEST(OpenAiAnswer, ACompletionEchoesItsOwnPrompt) {
  AnswerMeta facts = meta();
  facts.echoed = {"A", "B"};
  facts.choices_per_prompt = 2;
  const auto renderer = openai_completion_renderer(facts);
  std::vector<Choice> choices(4, choice("x"));
  const Json json = Json::parse(renderer->whole({choices, 2}));
  EXPECT_EQ(json["object"], "text_completion");
  EXPECT_EQ(json["choices"][1]["text"], "Ax");
  EXPECT_EQ(json["choices"][2]["text"], "Bx");
  EXPECT_EQ(events(renderer->opening(3))[0]["choices"][0]["text"], "B");
}

TEST(OpenAiAnswer, OffsetsOfStreamedLogprobsGoOn) {
  const auto facts = meta();
  const int32_t token = facts.tokenizer->encode("h")[0];
  const auto renderer = openai_completion_renderer(facts);
  const Delta delta{.text = "h", .logprobs = {{{token, -1}, {}}}};
  const auto first = events(renderer->piece(0, delta)), second = events(renderer->piece(0, delta));
  EXPECT_EQ(first[0]["choices"][0]["logprobs"]["text_offset"][0], 0);
  EXPECT_EQ(second[0]["choices"][0]["logprobs"]["text_offset"][0], 1);
}

TEST(OpenAiAnswer, AFailureInAStreamIsAnErrorObject) {
  const auto sent = events(openai_chat_renderer(meta())->failure({503, "shutting_down", "bye"}));
  EXPECT_EQ(sent[0]["error"]["code"], "shutting_down");
  EXPECT_EQ(sent[0]["error"]["request_id"], "r1");
}

TEST(OpenAiAnswer, TokensOfASplitModelSayWhereTheyWereMade) {
  const std::vector<TokenOrigin> origins = {{"exit1", "sure"}, {"cloud", "asked"}};
  Choice split = choice("Hi");
  split.origins = origins;
  split.usage.places = {{"exit1", 1}, {"exit2", 0}, {"cloud", 1}, {"degraded", 0}};
  const Json expected = {{"places", {"exit1", "cloud"}}, {"reasons", {"sure", "asked"}}};
  for (const auto& make : {openai_chat_renderer, openai_completion_renderer}) {
    const auto renderer = make(meta());
    const Json chunk = events(renderer->piece(0, {.text = "Hi", .origins = origins}))[0];
    EXPECT_EQ(chunk["verge"], expected);
    EXPECT_FALSE(chunk["choices"][0].contains("verge"));
    const Json whole = Json::parse(renderer->whole({{split, split}, 1}));
    EXPECT_EQ(whole["choices"][1]["verge"], expected);
    EXPECT_EQ(whole["usage"]["verge"]["cloud"], 2);
    EXPECT_EQ(whole["usage"]["verge"]["degraded"], 0);
    EXPECT_EQ(renderer->piece(0, {.text = "a"}).find("verge\":{"), std::string::npos);
    EXPECT_FALSE(Json::parse(renderer->whole({{choice("a")}, 1}))["usage"].contains("verge"));
  }
}

}  // namespace
}  // namespace verge::serve::api
