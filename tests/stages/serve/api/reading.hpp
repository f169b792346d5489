#pragma once
// Reads a request from text, for tests of what is read and what is refused.

#include <string>

#include <gtest/gtest.h>

#include <verge/stages/serve/api/json_body.hpp>
#include <verge/stages/serve/api/ollama_request.hpp>
#include <verge/stages/serve/api/openai_request.hpp>

namespace verge::serve::api {

struct Refused {
  std::string param;
  std::string code;
  std::string message;
};

/// The request that a body stands for; a refusal fails the test.
template <typename Reader>
auto read_well(const std::string& text, Reader reader) {
  Problem problem;
  const nlohmann::ordered_json body = parse_body(text, problem);
  auto request = reader(body, problem);
  EXPECT_FALSE(problem) << text << ": " << (problem ? problem.error().message : "");
  return request;
}

/// Why a body is refused; one that is not fails the test. Always status 400.
template <typename Reader>
Refused read_badly(const std::string& text, Reader reader) {
  Problem problem;
  const nlohmann::ordered_json body = parse_body(text, problem);
  reader(body, problem);
  EXPECT_TRUE(problem) << text;
  if (!problem) return {};
  EXPECT_EQ(problem.error().status, 400) << text;
  return {problem.error().param, problem.error().code, problem.error().message};
}

inline GenerationRequest chat(const std::string& fields) {
  return read_well(R"({"model":"m","messages":[{"role":"user","content":"Hi"}])" +
                       (fields.empty() ? "" : "," + fields) + "}",
                   read_chat_request);
}

inline Refused chat_refusal(const std::string& fields) {
  return read_badly(R"({"model":"m","messages":[{"role":"user","content":"Hi"}],)" + fields + "}",
                    read_chat_request);
}

inline const Json& messages_of(const GenerationRequest& request) {
  return std::get<ChatPrompt>(request.prompt).messages;
}

}  // namespace verge::serve::api
