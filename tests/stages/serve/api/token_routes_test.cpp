// Text, conversations and tokens, over real sockets.

#include "serving.hpp"

namespace verge::serve::api {
namespace {

Serving& token_serving() {
  static Serving* const server = new Serving;
  return *server;
}

TEST(TokenRoutes, TextBecomesTokensAndBack) {
  const Json llama = token_serving().good("/tokenize", R"({"content":"And God said"})");
  ASSERT_FALSE(llama["tokens"].empty());
  const Json vllm = token_serving().good("/tokenize", R"({"prompt":"And God said"})");
  EXPECT_EQ(vllm["count"], vllm["tokens"].size());
  EXPECT_EQ(vllm["max_model_len"], 256);
  const Json text = token_serving().good("/detokenize", Json{{"tokens", llama["tokens"]}}.dump());
  EXPECT_EQ(text["content"], "And God said");
  EXPECT_EQ(text["prompt"], "And God said");
  EXPECT_EQ(token_serving().good("/detokenize", R"({"tokens":[]})")["content"], "");
  EXPECT_EQ(token_serving().bad(400, "/detokenize", R"({"tokens":["a"]})")["param"], "tokens");
  EXPECT_EQ(token_serving().bad(400, "/detokenize", R"({"tokens":[99999999]})")["param"], "tokens");
}

TEST(TokenRoutes, ATextThatCannotFitIsRefusedUntokenized) {
  const std::string text(size_t{1} << 20, 'a');
  EXPECT_EQ(token_serving().bad(400, "/tokenize", Json{{"content", text}}.dump())["code"],
            "context_length_exceeded");
  const Json chat = {{"messages", Json::array({{{"role", "user"}, {"content", text}}})}};
  for (const char* route : {"/tokenize", "/apply-template"}) {
    EXPECT_EQ(token_serving().bad(400, route, chat.dump())["code"], "context_length_exceeded");
  }
}

TEST(TokenRoutes, VergesOwnTellsTextAndTokens) {
  const Json tokens =
      token_serving().good("/verge/tokenize", R"({"model":"verge-lm","text":"the LORD"})");
  EXPECT_EQ(tokens["count"], tokens["tokens"].size());
  const Json back = token_serving().good(
      "/verge/tokenize", Json{{"model", "verge-lm"}, {"tokens", tokens["tokens"]}}.dump());
  EXPECT_EQ(back["text"], "the LORD");
  const Json chat = token_serving().good(
      "/verge/tokenize", R"({"model":"verge-lm","messages":[{"role":"user","content":"a"}]})");
  EXPECT_NE(chat["text"].get<std::string>().find("assistant"), std::string::npos);
  EXPECT_EQ(token_serving().bad(400, "/verge/tokenize", R"({"model":"verge-lm"})")["param"],
            "text");
  EXPECT_EQ(
      token_serving().bad(400, "/verge/tokenize", R"({"text":"a","add_specal":true})")["param"],
      "add_specal");
}

TEST(TokenRoutes, ATemplateIsApplied) {
  const Json made = token_serving().good("/apply-template",
                                         R"({"messages":[{"role":"user","content":"Hello you"}]})");
  EXPECT_NE(made["prompt"].get<std::string>().find("Hello you"), std::string::npos);
}

}  // namespace
}  // namespace verge::serve::api
