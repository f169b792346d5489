#include <limits>

#include <verge/stages/serve/api/sampling_fields.hpp>

#include "reading.hpp"

namespace verge::serve::api {
namespace {

GenerationRequest ollama(const std::string& options) {
  OllamaExtras extras;
  return read_well(R"({"model":"m","prompt":"p","options":{)" + options + "}}",
                   [&](const Json& body, Problem& problem) {
                     return read_ollama_generate(body, extras, problem);
                   });
}

TEST(SamplingFields, OpenAiDefaultsCutNothing) {
  const text::SamplerOptions sampling = chat("").sampling;
  EXPECT_EQ(sampling.temperature, 1);
  EXPECT_EQ(sampling.top_p, 1);
  EXPECT_EQ(sampling.top_k, 0);
  EXPECT_EQ(sampling.min_p, 0);
  EXPECT_EQ(sampling.repetition_penalty, 1);
}

TEST(SamplingFields, OllamaDefaultsAreOllamas) {
  const text::SamplerOptions sampling = ollama("").sampling;
  EXPECT_FLOAT_EQ(sampling.temperature, 0.8f);
  EXPECT_EQ(sampling.top_k, 40);
  EXPECT_FLOAT_EQ(sampling.top_p, 0.9f);
  EXPECT_FLOAT_EQ(sampling.repetition_penalty, 1.1f);
}

TEST(SamplingFields, EachFieldArrives) {
  const GenerationRequest request =
      chat(R"("temperature":0.25,"top_p":0.5,"top_k":7,"min_p":0.125,"typical_p":0.75,
              "repetition_penalty":1.5,"presence_penalty":-1,"frequency_penalty":2,"seed":42,
              "stop":["a","b"],"ignore_eos":true)");
  const text::SamplerOptions& sampling = request.sampling;
  EXPECT_EQ(sampling.temperature, 0.25f);
  EXPECT_EQ(sampling.top_p, 0.5f);
  EXPECT_EQ(sampling.top_k, 7);
  EXPECT_EQ(sampling.min_p, 0.125f);
  EXPECT_EQ(sampling.typical_p, 0.75f);
  EXPECT_EQ(sampling.repetition_penalty, 1.5f);
  EXPECT_EQ(sampling.presence_penalty, -1);
  EXPECT_EQ(sampling.frequency_penalty, 2);
  EXPECT_EQ(request.seed, 42u);
  EXPECT_EQ(request.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(request.ignore_end);
}

TEST(SamplingFields, OllamaOptionsArrive) {
  const GenerationRequest request = ollama(
      R"("temperature":0,"top_k":3,"top_p":0.5,"seed":-5,"stop":["x"],"num_predict":9,"num_ctx":99)");
  EXPECT_EQ(request.sampling.temperature, 0);
  EXPECT_EQ(request.sampling.top_k, 3);
  EXPECT_EQ(request.max_tokens, 9);
  EXPECT_EQ(request.seed, static_cast<uint64_t>(-5));
  EXPECT_EQ(request.stop, std::vector<std::string>{"x"});
  EXPECT_FALSE(ollama(R"("num_predict":-1)").max_tokens);
}

TEST(SamplingFields, WhatIsReadIsWhatTheSamplerTakes) {
  for (const char* fields :
       {R"("top_p":0)", R"("typical_p":0)", R"("top_k":-1)", R"("temperature":2)",
        R"("repetition_penalty":0.05)", R"("logit_bias":{"3":-100,"4":100})", R"("min_p":1)"}) {
    const auto status = text::validate(chat(fields).sampling, 10);
    EXPECT_TRUE(status) << fields << ": " << status.error().message;
  }
}

TEST(SamplingFields, BiasesAreTokens) {
  const auto& bias = chat(R"("logit_bias":{"5":-100,"7":2.5})").sampling.logit_bias;
  ASSERT_EQ(bias.size(), 2u);
  EXPECT_EQ(bias[0].token, 5);
  EXPECT_EQ(bias[0].bias, -std::numeric_limits<float>::infinity());
  EXPECT_EQ(bias[1].bias, 2.5f);
  for (const char* bad : {R"({"a":1})", R"({"-1":1})", R"({"1.5":1})", R"({"99999999999":1})",
                          R"({"1":101})", R"({"1":"x"})", R"({"":1})"}) {
    const Refused refused = chat_refusal(std::string("\"logit_bias\":") + bad);
    EXPECT_TRUE(refused.param.starts_with("logit_bias.")) << bad << refused.param;
  }
}

TEST(SamplingFields, AbsurdValuesAreNamed) {
  const std::pair<const char*, const char*> cases[] = {{"temperature", "-1"},
                                                       {"temperature", "1e30"},
                                                       {"temperature", "\"hot\""},
                                                       {"top_p", "2"},
                                                       {"top_k", "1.5"},
                                                       {"seed", "1e40"},
                                                       {"presence_penalty", "3"},
                                                       {"frequency_penalty", "-3"},
                                                       {"stop", "[\"\"]"},
                                                       {"stop", "7"},
                                                       {"max_tokens", "-2"},
                                                       {"max_tokens", "1e15"},
                                                       {"max_completion_tokens", "{}"},
                                                       {"n", "0"},
                                                       {"n", "1000000"},
                                                       {"min_p", "-0.1"},
                                                       {"repetition_penalty", "0"},
                                                       {"logit_bias", "[]"},
                                                       {"mirostat_eta", "2"}};
  for (const auto& [name, value] : cases) {
    EXPECT_EQ(chat_refusal(fmt::format("\"{}\":{}", name, value)).param, name) << value;
  }
}

TEST(SamplingFields, TokensMayEndAnswers) {
  const GenerationRequest request =
      chat(R"("stop_token_ids":[3,5],"include_stop_str_in_output":true,"min_tokens":4)");
  EXPECT_EQ(request.stop_tokens, (std::vector<int32_t>{3, 5}));
  EXPECT_TRUE(request.include_stop);
  EXPECT_EQ(request.min_tokens, 4);
  for (const char* bad : {"[-1]", "[1.5]", "7", R"(["a"])", "[4294967296]"}) {
    EXPECT_EQ(chat_refusal(fmt::format("\"stop_token_ids\":{}", bad)).param, "stop_token_ids");
  }
  EXPECT_EQ(chat_refusal(R"("min_tokens":5,"max_tokens":4)").param, "min_tokens");
}

}  // namespace
}  // namespace verge::serve::api
