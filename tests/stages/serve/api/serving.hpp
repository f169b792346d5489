#pragma once
// Serving: the whole server over real sockets, with the model of the repository.

#include <memory>
#include <string>

#include <eventually.hpp>
#include <gtest/gtest.h>
#include <shared_data.hpp>

#include <verge/core/clock.hpp>
#include <verge/stages/serve/api/model_server.hpp>

#include "web_client.hpp"

namespace verge::serve::api {

using Json = nlohmann::ordered_json;

inline ModelServerOptions serving_options() {
  ModelServerOptions options;
  ServedModel model;
  model.name = "verge-lm";
  model.path = test::repository_model();
  model.load.max_sequences = 8;
  model.load.kv_tokens = 2048;
  options.models = {model};
  options.pool.threads = 1;
  options.service.version = "1.2.3";
  options.service.unix_time_s = [] { return int64_t{1795862700}; };
  options.service.random = [] { return uint64_t{7}; };
  return options;
}

class Serving {
 public:
  explicit Serving(ModelServerOptions options = serving_options()) {
    auto started = ModelServer::start(std::move(options), clock_);
    EXPECT_TRUE(started) << started.error().message;
    if (!started) return;
    server_ = std::move(*started);
    EXPECT_TRUE(test::eventually([&] { return get("/health").status == 200; }));
  }

  uint16_t port() const { return server_->endpoint().port; }
  ModelServer& server() { return *server_; }
  test::WebAnswer get(const std::string& target, const test::WebHeaders& headers = {}) const {
    return test::ask(port(), "GET", target, {}, headers);
  }
  test::WebAnswer post(const std::string& target, const std::string& body,
                       const test::WebHeaders& headers = {}) const {
    return test::ask(port(), "POST", target, body, headers);
  }
  /// The body of an answer that must be 200.
  Json good(const std::string& target, const std::string& body,
            const test::WebHeaders& headers = {}) const {
    const test::WebAnswer answer = post(target, body, headers);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json();
  }
  /// The error object of an answer that must have this status.
  Json bad(int status, const std::string& target, const std::string& body,
           const test::WebHeaders& headers = {}) const {
    const test::WebAnswer answer = post(target, body, headers);
    EXPECT_EQ(answer.status, status) << target << " " << body.substr(0, 200) << ": " << answer.body;
    const Json json = answer.json();
    EXPECT_TRUE(json.is_object() && json.contains("error")) << answer.body;
    return json.is_object() ? json.value("error", Json()) : Json();
  }
  int64_t running() const {
    int64_t count = 0;
    for (const ModelSnapshot& model : server_->scheduler().snapshot().models) {
      count += model.running + model.waiting + model.preempted;
    }
    return count;
  }

 private:
  SystemClock clock_;
  std::unique_ptr<ModelServer> server_;
};

}  // namespace verge::serve::api
