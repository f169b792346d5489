// What llama-server's and vLLM's clients ask for, over real sockets.

#include "serving.hpp"

namespace verge::serve::api {
namespace {

Serving& alias_serving() {
  static Serving* const server = new Serving;
  return *server;
}

TEST(AliasRoutes, ACompletionIsThatOfOpenAisRoute) {
  const Json made = alias_serving().good(
      "/completion", R"({"prompt":"And God said","n_predict":8,"temperature":0})");
  const Json same = alias_serving().good(
      "/v1/completions", R"({"prompt":"And God said","max_tokens":8,"temperature":0})");
  EXPECT_EQ(made["content"], same["choices"][0]["text"]);
  EXPECT_EQ(made["tokens_predicted"], 8);
  EXPECT_EQ(made["stop_type"], "limit");
  const auto streamed = alias_serving().post(
      "/completion", R"({"prompt":"And God said","n_predict":8,"temperature":0,"stream":true})");
  std::string text;
  for (const std::string& event : test::streamed(streamed.body)) {
    text += Json::parse(event)["content"].get<std::string>();
  }
  EXPECT_EQ(text, made["content"]);
}

TEST(AliasRoutes, ACompletionIsAsLongAsEitherNameSays) {
  const auto tokens = [](const char* lengths) {
    return alias_serving().good("/completion", fmt::format(R"({{"prompt":"And God said",{}}})",
                                                           lengths))["tokens_predicted"];
  };
  EXPECT_EQ(tokens(R"("max_tokens":3,"ignore_eos":true)"), 3);
  EXPECT_EQ(tokens(R"("n_predict":2,"max_tokens":3,"ignore_eos":true)"), 2);
  EXPECT_GT(tokens(R"("n_predict":null,"ignore_eos":true)"), 100);
}

TEST(AliasRoutes, TheModelIsDescribed) {
  const Json props = alias_serving().get("/props").json();
  EXPECT_EQ(props["default_generation_settings"]["n_ctx"], 256);
  EXPECT_EQ(props["model_alias"], "verge-lm");
  EXPECT_EQ(props["total_slots"], serving_options().models[0].load.max_sequences);
}

TEST(AliasRoutes, PingAndVersionNeedNothing) {
  EXPECT_EQ(alias_serving().get("/ping").status, 200);
  EXPECT_EQ(alias_serving().get("/version").json()["version"], "1.2.3");
}

}  // namespace
}  // namespace verge::serve::api
