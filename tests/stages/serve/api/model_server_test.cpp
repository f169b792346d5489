#include <temporary_folder.hpp>

#include "serving.hpp"

namespace verge::serve::api {
namespace {

Error refused(ModelServerOptions options) {
  const SystemClock clock;
  const auto started = ModelServer::start(std::move(options), clock);
  EXPECT_FALSE(started);
  return started ? Error{} : started.error();
}

TEST(ModelServer, OtherMachinesNeedKeys) {
  ModelServerOptions options = serving_options();
  options.listen.host = "0.0.0.0";
  const Error error = refused(options);
  EXPECT_EQ(error.code, Code::Denied);
  EXPECT_NE(error.message.find("verge key add"), std::string::npos);
  for (const char* host : {"127.0.0.1", "127.9.9.9", "localhost", "::1"}) {
    EXPECT_TRUE(is_loopback({.host = host})) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "192.168.1.2", "example.org", "128.0.0.1"}) {
    EXPECT_FALSE(is_loopback({.host = host})) << host;
  }
}

TEST(ModelServer, WhatIsMissingIsSaidBeforeAnythingRuns) {
  ModelServerOptions options = serving_options();
  options.models[0].path = "/nonexistent.gguf";
  EXPECT_EQ(refused(options).code, Code::NotFound);
  options = serving_options();
  options.key_file = "/nonexistent.json";
  EXPECT_EQ(refused(options).code, Code::NotFound);
}

TEST(ModelServer, APortInUseIsAConflict) {
  Serving serving;
  ModelServerOptions options = serving_options();
  options.listen.port = serving.port();
  EXPECT_EQ(refused(options).code, Code::Conflict);
}

TEST(ModelServer, AnswersOfManyAreThoseOfOne) {
  Serving serving;
  const auto body = [](int i) {
    return fmt::format(
        R"({{"model":"verge-lm","prompt":"Verse {}","max_tokens":30,"temperature":0}})", i);
  };
  std::vector<std::string> alone;
  for (int i = 0; i < 8; ++i) {
    alone.push_back(serving.good("/v1/completions", body(i))["choices"][0]["text"]);
  }
  std::vector<std::string> together(8);
  std::vector<std::jthread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(
        [&, i] { together[i] = serving.good("/v1/completions", body(i))["choices"][0]["text"]; });
  }
  clients.clear();
  EXPECT_EQ(together, alone);
}

}  // namespace
}  // namespace verge::serve::api
