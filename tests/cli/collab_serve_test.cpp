// `verge serve --cloud` as clients meet it: a node in a process of its own, and the API on the
// device.

#include <gtest/gtest.h>
#include <split_fleet.hpp>
#include <verge_process.hpp>

namespace verge::cli {
namespace {

class CollabServeTest : public test::SplitFleetTest {
 protected:
  std::vector<std::string> words(std::vector<std::string> more) const {
    std::vector<std::string> all = {edge_,   "--cloud", node_->address(),
                                    "--dir", phone_,    "--insecure"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  static nlohmann::json chat(const test::ServeProcess& server,
                             nlohmann::json more = nlohmann::json::object()) {
    nlohmann::json body = {{"messages", {{{"role", "user"}, {"content", "Who goes there?"}}}},
                           {"temperature", 0},
                           {"max_tokens", 12}};
    body.update(more);
    const test::HttpAnswer answer =
        test::HttpClient(server.port()).post("/v1/chat/completions", body.dump());
    const auto json = nlohmann::json::parse(answer.body, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << answer.body;
    return json;
  }
  static int placed(const nlohmann::json& usage) {
    int sum = 0;
    for (const auto& [place, count] : usage["verge"].items()) sum += count.get<int>();
    return sum;
  }
};

TEST_F(CollabServeTest, AnAnswerIsTheWholeModelsAndSaysWhereItWasMade) {
  start(folder_ / "cloud.gguf");
  test::ServeProcess whole({whole_, "--insecure"});
  test::ServeProcess device(words({"--theta1", "1", "--theta2", "1", "--codec", "f32"}));
  const auto expected = chat(whole), answer = chat(device);
  EXPECT_EQ(answer["choices"][0]["message"]["content"],
            expected["choices"][0]["message"]["content"]);
  EXPECT_EQ(answer["choices"][0]["finish_reason"], expected["choices"][0]["finish_reason"]);
  EXPECT_FALSE(expected["usage"].contains("verge"));
  const int tokens = answer["usage"]["completion_tokens"];
  EXPECT_EQ(answer["usage"]["verge"]["cloud"], tokens) << answer.dump();
  EXPECT_EQ(placed(answer["usage"]), tokens);
  EXPECT_EQ(answer["choices"][0]["verge"]["places"].size(), static_cast<size_t>(tokens));
}

TEST_F(CollabServeTest, AStreamSaysItOfEachTokenAndMetricsCountThem) {
  start(folder_ / "cloud.gguf");
  const test::ServeProcess device(words({"--mode", "auto", "--theta1", "0.5"}));
  const test::HttpAnswer answer =
      test::HttpClient(device.port())
          .post("/v1/completions", nlohmann::json({{"prompt", "And it came to pass"},
                                                   {"temperature", 0},
                                                   {"max_tokens", 16},
                                                   {"stream", true},
                                                   {"stream_options", {{"include_usage", true}}}})
                                       .dump());
  std::string text;
  size_t places = 0;
  nlohmann::json usage;
  for (size_t at = 0; (at = answer.body.find("data: {", at)) != std::string::npos; ++at) {
    const auto chunk =
        nlohmann::json::parse(answer.body.substr(at + 6, answer.body.find("\n\n", at) - at - 6));
    if (!chunk["choices"].empty()) text += chunk["choices"][0]["text"];
    if (chunk.contains("verge")) {
      places += chunk["verge"]["places"].size();
      EXPECT_EQ(chunk["verge"]["places"].size(), chunk["verge"]["reasons"].size());
    }
    if (chunk.contains("usage") && chunk["usage"].is_object()) usage = chunk["usage"];
  }
  EXPECT_FALSE(text.empty()) << answer.body;
  ASSERT_TRUE(usage.is_object()) << answer.body;
  EXPECT_EQ(static_cast<int>(places), usage["completion_tokens"]);
  EXPECT_EQ(placed(usage), usage["completion_tokens"]);
  const std::string metrics = test::HttpClient(device.port()).get("/metrics").body;
  EXPECT_NE(metrics.find("verge_split_tokens_total{model=\"edge\",place=\"cloud\"}"),
            std::string::npos)
      << metrics;
}

TEST_F(CollabServeTest, WithoutTheCloudAnswersGoOnDegraded) {
  start(folder_ / "cloud.gguf");
  const test::ServeProcess device(words({"--theta1", "1", "--theta2", "1"}));
  EXPECT_EQ(chat(device)["usage"]["verge"]["degraded"], 0);
  EXPECT_EQ(node_->stop(SIGKILL), 128 + SIGKILL);
  const auto alone = chat(device);
  EXPECT_EQ(alone["usage"]["verge"]["degraded"], alone["usage"]["completion_tokens"])
      << alone.dump();
  EXPECT_NE(device.said().find("without the cloud"), std::string::npos) << device.said();
}

TEST_F(CollabServeTest, ATurnGoesOnFromTheLastOne) {
  start(folder_ / "cloud.gguf");
  const test::ServeProcess device(words({}));
  const auto first = chat(device);
  nlohmann::json messages = {
      {{"role", "user"}, {"content", "Who goes there?"}},
      {{"role", "assistant"}, {"content", first["choices"][0]["message"]["content"]}},
      {{"role", "user"}, {"content", "Speak!"}}};
  const auto second = chat(device, {{"messages", messages}});
  EXPECT_GT(second["usage"]["prompt_tokens_details"]["cached_tokens"],
            first["usage"]["prompt_tokens"])
      << first.dump() << second.dump();
}

TEST_F(CollabServeTest, WhatTwoMachinesCannotDoIsRefusedByName) {
  start(folder_ / "cloud.gguf");
  const test::ServeProcess device(words({}));
  const std::pair<const char*, nlohmann::json> refused[] = {
      {"response_format", {{"response_format", {{"type", "json_object"}}}}},
      {"logprobs", {{"logprobs", true}}},
      {"frequency_penalty", {{"frequency_penalty", 1}}}};
  for (const auto& [name, field] : refused) {
    const auto answer = chat(device, field);
    ASSERT_TRUE(answer.contains("error")) << answer.dump();
    EXPECT_EQ(answer["error"]["type"], "invalid_request_error");
    EXPECT_NE(answer["error"]["message"].get<std::string>().find(name), std::string::npos)
        << answer.dump();
  }
  EXPECT_TRUE(chat(device, {{"n", 2}, {"temperature", 0.8}}).contains("choices"));
}

TEST_F(CollabServeTest, OptionsThatDoNotGoTogetherAreNamed) {
  const auto refuse = [&](std::vector<std::string> more, int status, const char* text) {
    std::vector<std::string> all = {"serve", whole_, "--port", "0"};
    all.insert(all.end(), more.begin(), more.end());
    test::expect_refused(test::run_verge(all), status, text);
  };
  refuse({"--mode", "collab"}, 2, "--cloud");
  refuse({"--cloud", "127.0.0.1:1", "--mode", "cloud"}, 2, "mode cloud");
  refuse({"second=" + whole_, "--mode", "standalone"}, 2, "several models");
  refuse({"--mode", "standalone", "--lora", "a=b"}, 2, "--lora");
  refuse({"--cloud", "127.0.0.1:1", "--dir", home_}, 1, "verge node join");
}

}  // namespace
}  // namespace verge::cli
