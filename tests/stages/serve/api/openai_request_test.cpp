#include "reading.hpp"

namespace verge::serve::api {
namespace {

GenerationRequest completion(const std::string& fields) {
  return read_well(R"({"model":"m",)" + fields + "}", read_completion_request);
}

std::string completion_refused(const std::string& fields) {
  return read_badly(R"({"model":"m",)" + fields + "}", read_completion_request).param;
}

TEST(OpenAiRequest, ChatHasItsDefaults) {
  const GenerationRequest request = chat("");
  EXPECT_EQ(request.model, "m");
  EXPECT_FALSE(request.max_tokens);
  EXPECT_EQ(request.choices, 1);
  EXPECT_EQ(request.top_logprobs, -1);
  EXPECT_FALSE(request.stream);
  EXPECT_EQ(messages_of(request)[0]["content"], "Hi");
}

TEST(OpenAiRequest, LlamaServersCompletionHasItsOwnDefaults) {
  const auto read = [](const std::string& fields) {
    return read_well(R"({"prompt":"a")" + fields + "}", read_llama_completion);
  };
  const GenerationRequest request = read("");
  EXPECT_FLOAT_EQ(request.sampling.temperature, 0.8f);
  EXPECT_EQ(request.sampling.top_k, 40);
  EXPECT_FLOAT_EQ(request.sampling.top_p, 0.95f);
  EXPECT_FLOAT_EQ(request.sampling.min_p, 0.05f);
  EXPECT_FALSE(request.max_tokens);
  const GenerationRequest own =
      read(R"(,"temperature":0,"top_k":0,"top_p":1,"min_p":0,"n_predict":7)");
  EXPECT_EQ(own.sampling.temperature, 0);
  EXPECT_EQ(own.sampling.top_k, 0);
  EXPECT_EQ(own.sampling.top_p, 1);
  EXPECT_EQ(own.sampling.min_p, 0);
  EXPECT_EQ(own.max_tokens, 7);
  EXPECT_EQ(read(R"(,"top_k":null,"n_predict":null)").sampling.top_k, 40);
  EXPECT_FALSE(read(R"(,"n_predict":-1)").max_tokens);
}

TEST(OpenAiRequest, ChatFieldsArrive) {
  const GenerationRequest request = chat(
      R"("max_completion_tokens":5,"n":3,"stream":true,"stream_options":{"include_usage":true},
         "logprobs":true,"top_logprobs":4,"chat_template_kwargs":{"enable_thinking":false})");
  EXPECT_EQ(request.max_tokens, 5);
  EXPECT_EQ(request.choices, 3);
  EXPECT_TRUE(request.stream && request.stream_usage);
  EXPECT_EQ(request.top_logprobs, 4);
  EXPECT_EQ(std::get<ChatPrompt>(request.prompt).template_variables["enable_thinking"], false);
  EXPECT_EQ(chat(R"("logprobs":true)").top_logprobs, 0);
  EXPECT_FALSE(chat(R"("max_tokens":-1)").max_tokens);
}

TEST(OpenAiRequest, WhatChangesNothingIsTaken) {
  chat(R"("user":"u","store":false,"metadata":{"a":"b"},"service_tier":"auto","best_of":1,
          "parallel_tool_calls":true,"reasoning_effort":"low","x_custom":1,"logprobs":false,
          "stream":false,"stream_options":null,"tools":[],"stop":null,"seed":null,"n":null)");
}

TEST(OpenAiRequest, WhatCannotBeIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("stream":"yes")", "stream"},
      {R"("cache_salt":7)", "cache_salt"},
      {R"("stream_options":{"include_usage":true})", "stream_options"},
      {R"("stream":true,"stream_options":{"include_usage":1})", "stream_options.include_usage"},
      {R"("top_logprobs":2)", "top_logprobs"},
      {R"("logprobs":true,"top_logprobs":21)", "top_logprobs"},
      {R"("logprobs":3)", "logprobs"},
      {R"("best_of":2)", "best_of"},
      {R"("function_call":"auto")", "function_call"},
      {R"("temprature":1)", "temprature"},
      {R"("max_token":1)", "max_token"}};
  for (const auto& [fields, param] : cases) EXPECT_EQ(chat_refusal(fields).param, param) << fields;
  EXPECT_EQ(read_well(R"({"messages":[{"role":"user","content":""}]})", read_chat_request).model,
            "");
  EXPECT_EQ(read_badly(R"({"model":7,"messages":[]})", read_chat_request).param, "model");
}

TEST(OpenAiRequest, ReasoningIsForTheTemplate) {
  const GenerationRequest request = chat(R"("reasoning_effort":"low","verbosity":"high")");
  const Json& hints = std::get<ChatPrompt>(request.prompt).hints;
  EXPECT_EQ(hints.dump(), R"({"reasoning_effort":"low","verbosity":"high"})");
  EXPECT_TRUE(request.separate_reasoning && request.show_reasoning);
  const GenerationRequest none = chat(R"("reasoning_effort":"none","reasoning_format":"none",
                                         "include_reasoning":false)");
  EXPECT_EQ(std::get<ChatPrompt>(none.prompt).hints["enable_thinking"], false);
  EXPECT_FALSE(none.separate_reasoning || none.show_reasoning);
  EXPECT_EQ(chat_refusal(R"("reasoning_format":"xml")").param, "reasoning_format");
}

TEST(OpenAiRequest, AnAnswerMayHaveATimeLimit) {
  EXPECT_FALSE(chat("").timeout_s);
  EXPECT_EQ(chat(R"("timeout":2.5)").timeout_s, 2.5);
  EXPECT_EQ(chat_refusal(R"("timeout":0)").param, "timeout");
  EXPECT_EQ(chat_refusal(R"("timeout":"5s")").param, "timeout");
}

TEST(OpenAiRequest, PromptsHaveFourForms) {
  const auto prompts = [](const std::string& json) {
    return std::get<0>(completion("\"prompt\":" + json).prompt);
  };
  EXPECT_EQ(std::get<std::string>(prompts("\"a\"").at(0)), "a");
  EXPECT_EQ(prompts(R"(["a","b"])").size(), 2u);
  EXPECT_EQ(std::get<TokenIds>(prompts("[1,2]").at(0)), (TokenIds{1, 2}));
  EXPECT_EQ(std::get<TokenIds>(prompts("[[1],[2,3]]").at(1)), (TokenIds{2, 3}));
  EXPECT_EQ(std::get<std::string>(prompts("null").at(0)), "");
  for (const char* bad :
       {"7", "{}", "[]", "[null]", "[[]]", "[[1],7]", "[1.5]", "[-1]", "[4294967296]", "[true]"}) {
    EXPECT_TRUE(completion_refused(std::string("\"prompt\":") + bad).starts_with("prompt")) << bad;
  }
}

TEST(OpenAiRequest, CompletionsHaveTheirOwnFields) {
  const GenerationRequest request = completion(R"("prompt":"a","logprobs":3)");
  EXPECT_EQ(request.max_tokens, 16);
  EXPECT_EQ(request.top_logprobs, 3);
  EXPECT_TRUE(completion(R"("prompt":"a","echo":true,"max_tokens":0)").echo);
  EXPECT_EQ(completion(R"("prompt":"a","echo":true,"logprobs":1)").top_logprobs, 1);
  EXPECT_EQ(completion_refused(R"("prompt":"a","echo":true,"logprobs":1,"stream":true)"),
            "logprobs");
  EXPECT_EQ(completion_refused(R"("prompt":"a","suffix":"b")"), "suffix");
  EXPECT_EQ(completion_refused(R"("prompt":"a","best_of":3,"n":2)"), "best_of");
}

TEST(OpenAiRequest, EmbeddingsAreRead) {
  const EmbeddingRequest request = read_well(
      R"({"model":"m","input":["a","b"],"encoding_format":"base64","dimensions":8,"user":"u"})",
      read_embedding_request);
  EXPECT_EQ(request.inputs.size(), 2u);
  EXPECT_TRUE(request.base64);
  EXPECT_EQ(request.dimensions, 8);
  const std::pair<const char*, const char*> cases[] = {
      {R"({"model":"m"})", "input"},
      {R"({"model":"m","input":7})", "input"},
      {R"({"model":"m","input":"a","encoding_format":"hex"})", "encoding_format"},
      {R"({"model":"m","input":"a","dimensions":0})", "dimensions"}};
  for (const auto& [body, param] : cases) {
    EXPECT_EQ(read_badly(body, read_embedding_request).param, param) << body;
  }
}

}  // namespace
}  // namespace verge::serve::api
