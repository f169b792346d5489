#include "reading.hpp"

namespace verge::serve::api {
namespace {

struct Read {
  GenerationRequest request;
  OllamaExtras extras;
};

Read generate(const std::string& fields) {
  Read read;
  read.request =
      read_well(R"({"model":"m",)" + fields + "}", [&](const Json& body, Problem& problem) {
        return read_ollama_generate(body, read.extras, problem);
      });
  return read;
}

std::string refused(const std::string& fields) {
  OllamaExtras extras;
  return read_badly(R"({"model":"m",)" + fields + "}",
                    [&](const Json& body, Problem& problem) {
                      return read_ollama_chat(body, extras, problem);
                    })
      .param;
}

TEST(OllamaRequest, StreamsUnlessToldOtherwise) {
  EXPECT_TRUE(generate(R"("prompt":"p")").request.stream);
  EXPECT_FALSE(generate(R"("prompt":"p","stream":false)").request.stream);
}

TEST(OllamaRequest, APromptIsAMessageUnlessRaw) {
  const Read read = generate(R"("prompt":"p","system":"s")");
  EXPECT_EQ(messages_of(read.request)[0]["role"], "system");
  EXPECT_EQ(messages_of(read.request)[1]["content"], "p");
  const Read raw = generate(R"("prompt":"p","raw":true)");
  EXPECT_EQ(std::get<std::string>(std::get<0>(raw.request.prompt)[0]), "p");
}

TEST(OllamaRequest, WithoutAPromptItOnlyLoads) {
  EXPECT_TRUE(generate(R"("keep_alive":"5m")").extras.load_only);
  EXPECT_EQ(generate(R"("keep_alive":"5m")").extras.keep_alive_s, 300);
  EXPECT_FALSE(generate(R"("prompt":"p")").extras.load_only);
}

TEST(OllamaRequest, FormatsAreRead) {
  using Kind = OutputFormat::Kind;
  EXPECT_EQ(generate(R"("prompt":"p","format":"json")").request.format.kind, Kind::JsonObject);
  EXPECT_EQ(generate(R"("prompt":"p","format":"")").request.format.kind, Kind::Text);
  EXPECT_EQ(generate(R"("prompt":"p","format":{"type":"object"})").request.format.kind,
            Kind::JsonSchema);
  EXPECT_EQ(refused(R"("messages":[{"role":"user","content":"a"}],"format":"xml")"), "format");
}

TEST(OllamaRequest, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("messages":7)", "messages"},
      {R"("messages":[{"role":"user","content":"a"}],"options":7)", "options"},
      {R"("messages":[{"role":"user","content":"a"}],"options":{"temperature":"x"})",
       "options.temperature"},
      {R"("messages":[{"role":"user","content":"a"}],"options":{"num_predikt":1})",
       "options.num_predikt"},
      {R"("messages":[{"role":"user","content":"a"}],"keep_alive":"soon")", "keep_alive"},
      {R"("messages":[{"role":"user","content":"a"}],"stream":1)", "stream"}};
  for (const auto& [fields, param] : cases) EXPECT_EQ(refused(fields), param) << fields;
}

TEST(OllamaRequest, ThinkingIsForTheTemplate) {
  const auto hints = [](const std::string& fields) {
    return std::get<ChatPrompt>(generate(R"("prompt":"p")" + fields).request.prompt).hints.dump();
  };
  EXPECT_EQ(hints(""), "{}");
  EXPECT_EQ(hints(R"(,"think":false)"), R"({"enable_thinking":false})");
  EXPECT_EQ(hints(R"(,"think":"low")"), R"({"enable_thinking":true,"reasoning_effort":"low"})");
  EXPECT_EQ(refused(R"("messages":[{"role":"user","content":"a"}],"think":"much")"), "think");
}

TEST(OllamaRequest, ContextAndLogprobsAreRead) {
  EXPECT_EQ(generate(R"("prompt":"p","options":{"num_ctx":4096})").request.least_context, 4096);
  EXPECT_EQ(generate(R"("prompt":"p","logprobs":true,"top_logprobs":2)").request.top_logprobs, 2);
  EXPECT_EQ(generate(R"("prompt":"p")").request.top_logprobs, -1);
}

TEST(OllamaRequest, DurationsAreGos) {
  const std::pair<const char*, double> good[] = {{"5m", 300}, {"1h30m", 5400}, {"250ms", 0.25},
                                                 {"-1", -1},  {"0", 0},        {"2.5s", 2.5},
                                                 {"-1m", -60}};
  for (const auto& [text, seconds] : good) EXPECT_EQ(parse_duration_s(text), seconds) << text;
  for (const char* bad : {"", "-", "m", "5x", "5 m", "1e999", "nan", "--1", "inf"}) {
    EXPECT_FALSE(parse_duration_s(bad)) << bad;
  }
}

TEST(OllamaRequest, EmbedReadsBothForms) {
  const std::string body = R"({"model":"m","input":["a","b"],"truncate":true})";
  EXPECT_EQ(
      read_well(body, [](const Json& json,
                         Problem& problem) { return read_ollama_embed(json, false, problem); })
          .inputs.size(),
      2u);
  const auto truncates = [](const std::string& fields) {
    return read_well(R"({"model":"m","input":"a")" + fields + "}",
                     [](const Json& json, Problem& problem) {
                       return read_ollama_embed(json, false, problem);
                     })
        .truncate;
  };
  EXPECT_TRUE(truncates(""));
  EXPECT_FALSE(truncates(R"(,"truncate":false)"));
  const auto legacy = [](const Json& json, Problem& problem) {
    return read_ollama_embed(json, true, problem);
  };
  EXPECT_EQ(read_well(R"({"model":"m","prompt":"a"})", legacy).inputs.size(), 1u);
  EXPECT_EQ(read_badly(R"({"model":"m","input":"a"})", legacy).param, "prompt");
}

}  // namespace
}  // namespace verge::serve::api
