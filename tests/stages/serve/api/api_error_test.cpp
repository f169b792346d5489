#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/api_error.hpp>

namespace verge::serve::api {
namespace {

TEST(ApiError, HasTheShapeThatOpenAiClientsRead) {
  const auto json = openai_error({404, "model_not_found", "there is no model", "model"}, "req-1");
  EXPECT_EQ(json.dump(),
            R"({"error":{"message":"there is no model","type":"invalid_request_error",)"
            R"("param":"model","code":"model_not_found","request_id":"req-1"}})");
  EXPECT_TRUE(openai_error({500, "x", "y"}, "")["error"]["param"].is_null());
}

TEST(ApiError, HasTheShapeThatOllamaClientsRead) {
  EXPECT_EQ(ollama_error({400, "x", "no"}).dump(), R"({"error":"no"})");
}

TEST(ApiError, TypesFollowTheStatus) {
  const std::pair<int, std::string_view> types[] = {
      {400, "invalid_request_error"}, {401, "authentication_error"}, {403, "permission_error"},
      {413, "invalid_request_error"}, {429, "rate_limit_error"},     {503, "server_error"}};
  for (const auto& [status, type] : types) EXPECT_EQ(error_type(status), type) << status;
}

TEST(ApiError, WhatIsInternalStaysInside) {
  const ApiError bug = from_error({Code::Internal, "rank < shape.size() at plan.cpp:7"});
  EXPECT_EQ(bug.status, 500);
  EXPECT_EQ(bug.message.find("plan.cpp"), std::string::npos);
  const ApiError busy = from_error({Code::Busy, "the queue is full"});
  EXPECT_EQ(busy.status, 429);
  EXPECT_GT(busy.retry_after_s, 0);
  EXPECT_EQ(busy.message, "the queue is full");
}

TEST(ApiError, TheFirstProblemCounts) {
  Problem problem;
  EXPECT_FALSE(problem);
  problem.report(invalid_field("a", "first"));
  problem.report(invalid_field("b", "second"));
  EXPECT_EQ(problem.error().param, "a");
}

}  // namespace
}  // namespace verge::serve::api
