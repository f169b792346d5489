// Ollama's routes over real sockets, with a real model.

#include <verge/stages/serve/api/answer_facts.hpp>

#include "serving.hpp"

namespace verge::serve::api {
namespace {

Serving& ollama_serving() {
  static Serving* const server = new Serving;
  return *server;
}

TEST(OllamaRoutes, GenerateStreamsLines) {
  const auto answer =
      ollama_serving().post("/api/generate",
                            R"({"model":"verge-lm:latest","prompt":"And God said","raw":true,
                                         "options":{"temperature":0,"num_predict":8}})");
  EXPECT_EQ(answer.headers.at("content-type"), "application/x-ndjson");
  const auto lines = test::streamed(answer.body);
  ASSERT_GT(lines.size(), 2u);
  std::string text;
  for (const std::string& line : lines) text += Json::parse(line)["response"].get<std::string>();
  const Json last = Json::parse(lines.back());
  EXPECT_EQ(last["done"], true);
  EXPECT_EQ(last["done_reason"], "length");
  EXPECT_EQ(last["eval_count"], 8);
  const Json whole =
      ollama_serving().good("/api/generate",
                            R"({"model":"verge-lm","prompt":"And God said","raw":true,
                                        "stream":false,"options":{"temperature":0,"num_predict":8}})");
  EXPECT_EQ(whole["response"], text);
}

TEST(OllamaRoutes, ChatAnswersAMessage) {
  const Json answer = ollama_serving().good("/api/chat", R"({"model":"verge-lm","stream":false,
      "messages":[{"role":"user","content":"Hi"}],"options":{"num_predict":4}})");
  EXPECT_EQ(answer["message"]["role"], "assistant");
  EXPECT_EQ(answer["done"], true);
  EXPECT_GT(answer["prompt_eval_count"], 0);
}

TEST(OllamaRoutes, FormatsAreHeld) {
  const Json answer =
      ollama_serving().good("/api/generate", R"({"model":"verge-lm","prompt":"a","stream":false,
      "format":{"enum":["red","blue"]},"options":{"num_predict":20}})");
  const std::string text = answer["response"];
  EXPECT_TRUE(text == "\"red\"" || text == "\"blue\"") << text;
}

TEST(OllamaRoutes, ListsAndShowsModels) {
  const Json model = ollama_serving().get("/api/tags").json()["models"][0];
  EXPECT_EQ(model["name"], "verge-lm");
  EXPECT_EQ(model["digest"].get<std::string>().size(), 64u);
  EXPECT_GT(model["size"], 1000000);
  EXPECT_EQ(model["details"]["quantization_level"], "Q8_0");
  const Json shown = ollama_serving().good("/api/show", R"({"model":"verge-lm"})");
  EXPECT_EQ(shown["model_info"]["llama.context_length"], 256);
  EXPECT_EQ(shown["capabilities"], Json::array({"completion"}));
  EXPECT_EQ(ollama_serving().get("/api/ps").json()["models"][0]["name"], "verge-lm");
  EXPECT_EQ(ollama_serving().get("/api/version").json()["version"], "1.2.3");
}

TEST(OllamaRoutes, LongTextsAreCutForEmbeddingsUnlessToldOtherwise) {
  const auto body = [](int words, const std::string& fields) {
    std::string text;
    for (int i = 0; i < words; ++i) text += " light";
    return R"({"model":"verge-lm","input":")" + text + "\"" + fields + "}";
  };
  const Json cut = ollama_serving().good("/api/embed", body(3000, ""));
  EXPECT_EQ(cut["embeddings"],
            ollama_serving().good("/api/embed", body(200'000, ""))["embeddings"]);
  EXPECT_NE(cut["embeddings"], ollama_serving().good("/api/embed", body(3, ""))["embeddings"]);
  EXPECT_EQ(cut["prompt_eval_count"], 256) << "the model's context";
  for (const int words : {3000, 200'000}) {
    const auto whole = ollama_serving().post("/api/embed", body(words, R"(,"truncate":false)"));
    EXPECT_EQ(whole.status, 400) << whole.body;
  }
  EXPECT_EQ(ollama_serving().post("/v1/embeddings", body(3000, "")).status, 400)
      << "as OpenAI has it";
}

TEST(OllamaRoutes, AnEmptyPromptLoads) {
  const Json answer = ollama_serving().good("/api/generate", R"({"model":"verge-lm"})");
  EXPECT_EQ(answer["done_reason"], "load");
  EXPECT_EQ(answer["response"], "");
}

TEST(OllamaRoutes, AStopUnloads) {
  const std::string stop = R"({"model":"verge-lm","keep_alive":0})";
  EXPECT_TRUE(test::eventually([] { return ollama_serving().running() == 0; }));
  EXPECT_EQ(ollama_serving().good("/api/generate", stop)["done_reason"], "unload");
  EXPECT_TRUE(
      test::eventually([] { return ollama_serving().get("/api/ps").json()["models"].empty(); }));
  EXPECT_EQ(ollama_serving().good("/api/generate", stop)["done_reason"], "unload");  // again
  EXPECT_EQ(ollama_serving().good("/api/generate", R"({"model":"verge-lm"})")["done_reason"],
            "load");
}

TEST(OllamaRoutes, ErrorsAreTexts) {
  const auto missing = ollama_serving().post(
      "/api/chat", R"({"model":"x","messages":[{"role":"user","content":"a"}]})");
  EXPECT_EQ(missing.status, 404);
  EXPECT_TRUE(missing.json()["error"].is_string());
  const auto pull = ollama_serving().post("/api/pull", R"({"model":"x"})");
  EXPECT_EQ(pull.status, 501);
  EXPECT_NE(pull.body.find("verge model import"), std::string::npos);
}

TEST(OllamaRoutes, MoreContextThanThereIsIsRefused) {
  Serving serving;
  const auto ask = [](int context) {
    return fmt::format(R"({{"model":"verge-lm","prompt":"a","stream":false,"options":
                           {{"num_ctx":{},"num_predict":1}}}})",
                       context);
  };
  EXPECT_EQ(serving.post("/api/generate", ask(4096)).status, 400);
  EXPECT_EQ(serving.post("/api/generate", ask(256)).status, 200);
}

TEST(OllamaRoutes, AModelStaysAsLongAsItsLastRequestSays) {
  Serving serving;
  const auto loaded = [&] { return serving.get("/api/ps").json()["models"].size() == 1; };
  const auto ask = [&](const std::string& keep) {
    return serving.good("/api/generate", R"({"prompt":"a","stream":false,"options":
                        {"num_predict":1},"keep_alive":)" +
                                             keep + "}");
  };
  const auto expires = [&]() -> std::string {
    return serving.get("/api/ps").json()["models"][0]["expires_at"];
  };
  const int64_t now = serving_options().service.unix_time_s();
  ask("\"3h\"");
  EXPECT_TRUE(test::eventually(loaded));
  EXPECT_GT(expires(), rfc3339(now + 3600));
  EXPECT_LE(expires(), rfc3339(now + 3 * 3600));
  ask("0");
  EXPECT_TRUE(test::eventually([&] { return !loaded(); }));
  ask("-1");
  EXPECT_TRUE(test::eventually(loaded));
  EXPECT_GT(expires(), rfc3339(now + int64_t{50} * 365 * 86400));
}

}  // namespace
}  // namespace verge::serve::api
