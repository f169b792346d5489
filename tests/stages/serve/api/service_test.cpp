// Keys, limits and readiness, over real sockets.

#include <filesystem>

#include <manual_clock.hpp>
#include <small_disk.hpp>
#include <temporary_folder.hpp>

#include "holdup.hpp"
#include "serving.hpp"

namespace verge::serve::api {
namespace {

class KeyedService : public testing::Test {
 protected:
  std::string add(AccessKey settings) {
    const auto secret = keys_.add(std::move(settings));
    EXPECT_TRUE(secret);
    EXPECT_TRUE(keys_.save(path_));
    return *secret;
  }
  Serving& serving() {
    if (!serving_) {
      ModelServerOptions options = serving_options();
      options.key_file = path_;
      options.usage_file = usage_;
      options.models[0].load.context = context_;
      ServedModel second = options.models[0];
      second.name = "other";
      options.models.push_back(second);
      serving_ = std::make_unique<Serving>(std::move(options));
    }
    return *serving_;
  }
  static test::WebHeaders with(const std::string& key) {
    return {{"Authorization", "Bearer " + key}};
  }
  static std::string completion(const std::string& fields) {
    return R"({"model":"verge-lm","prompt":"a","ignore_eos":true,)" + fields + "}";
  }

  test::TemporaryFolder folder_;
  std::string path_ = folder_ / "keys.json";
  KeyFile keys_;
  std::string usage_;
  int64_t context_ = 0;
  std::unique_ptr<Serving> serving_;
};

TEST_F(KeyedService, WantsAKeyForEverythingButHealthAndPages) {
  const std::string key = add({.tenant = "a"});
  for (const char* route : {"/v1/models", "/v1/models/verge-lm", "/api/tags", "/metrics",
                            "/verge/live", "/v1/context", "/v1/nothing"}) {
    const auto refused = serving().get(route);
    EXPECT_EQ(refused.status, 401) << route;
    EXPECT_EQ(refused.headers.count("www-authenticate"), 1u);
    EXPECT_NE(serving().get(route, with(key)).status, 401) << route;
    EXPECT_EQ(serving().get(route, with(key + "x")).status, 401) << route;
  }
  EXPECT_EQ(serving().get("/health").status, 200);
  EXPECT_EQ(serving().get("/").status, 200);
  EXPECT_EQ(serving().bad(401, "/v1/completions", "not even JSON")["code"], "invalid_api_key");
}

// Asked of what admits requests before their bodies are read, route by route.
TEST_F(KeyedService, EachRouteOfCallersWantsItsKeyBeforeTheBody) {
  const std::string key = add({.tenant = "a"});
  const test::ManualClock clock;
  const ModelServerOptions served = serving_options();
  ModelPool pool(served.models, clock, served.pool);
  Scheduler scheduler(pool, clock, {});
  Gate gate(path_, *KeyFile::load(path_), clock);
  telemetry::MetricsRegistry registry;
  ServiceMetrics metrics(registry, clock);
  Service service({pool, scheduler, gate, metrics, clock}, served.service);
  http::Router router;
  service.add_routes(router);
  http::ServerOptions options;
  service.configure(options);
  const auto refuses = [&](const std::string& path, const std::string& authorization) {
    http::Request request;
    request.method = "POST";
    request.path = path;
    if (!authorization.empty()) request.headers.set("Authorization", authorization);
    const auto refused = options.admit(request);
    return refused && refused->status == 401;
  };
  for (const char* path : {"/completion", "/props", "/metrics", "/v1/completions", "/api/chat"}) {
    EXPECT_TRUE(service.guarded_paths().contains(path)) << path;
  }
  for (const std::string& path : service.guarded_paths()) {
    EXPECT_TRUE(refuses(path, "")) << path;
    EXPECT_TRUE(refuses(path, "Bearer " + key + "x")) << path;
    EXPECT_FALSE(refuses(path, "Bearer " + key)) << path;
  }
  for (const char* path : {"/health", "/", "/ping", "/version", "/assets/page.js"}) {
    EXPECT_FALSE(refuses(path, "")) << path;
  }
}

TEST_F(KeyedService, OtherModelsLookAsIfTheyWereNotThere) {
  const std::string key = add({.tenant = "a", .models = {"verge-lm"}});
  EXPECT_EQ(serving().get("/v1/models", with(key)).json()["data"].size(), 1u);
  const auto ask = [&](const std::string& model) {
    Json error = serving().bad(404, "/v1/completions", R"({"prompt":"a","model":")" + model + "\"}",
                               with(key));
    error.erase("request_id");
    return error.dump();
  };
  std::string forbidden = ask("other"), absent = ask("othex");
  EXPECT_EQ(forbidden.replace(forbidden.find("other"), 5, "othex"), absent);
}

TEST_F(KeyedService, MetricsTellOfAllModelsAndNeedAKeyForAll) {
  const std::string one = add({.tenant = "a", .models = {"verge-lm"}});
  const std::string all = add({.tenant = "b"});
  EXPECT_EQ(serving().get("/metrics", with(one)).status, 403);
  EXPECT_EQ(serving().get("/metrics", with(all)).status, 200);
}

TEST_F(KeyedService, LimitsAreToldAndKept) {
  const std::string key = add({.tenant = "a", .limits = {.requests_per_minute = 2}});
  for (int i = 0; i < 2; ++i) {
    const auto answer =
        serving().post("/v1/completions", completion("\"max_tokens\":1"), with(key));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers.at("x-ratelimit-limit-requests"), "2");
    EXPECT_EQ(answer.headers.at("x-ratelimit-remaining-requests"), std::to_string(1 - i));
  }
  const auto refused = serving().post("/v1/completions", completion("\"max_tokens\":1"), with(key));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.json()["error"]["code"], "rate_limit_exceeded");
  EXPECT_GE(std::stoi(refused.headers.at("retry-after")), 1);
}

TEST_F(KeyedService, TokensAreReservedThenSettled) {
  const std::string key = add({.tenant = "a", .limits = {.tokens_per_day = 100}});
  const auto answer = serving().post("/v1/completions", completion("\"max_tokens\":10"), with(key));
  ASSERT_EQ(answer.status, 200);
  const int used = answer.json()["usage"]["total_tokens"];
  EXPECT_TRUE(test::eventually([&] {
    const auto next = serving().post("/v1/completions", completion("\"max_tokens\":0"), with(key));
    return next.status == 200 &&
           std::stoi(next.headers.at("x-ratelimit-remaining-tokens")) <= 100 - used;
  }));
  EXPECT_EQ(
      serving().bad(413, "/v1/completions", completion("\"max_tokens\":101"), with(key))["code"],
      "request_too_large");
}

TEST_F(KeyedService, TheTokensOfADayOutliveTheServer) {
  const std::string key = add({.tenant = "a", .limits = {.tokens_per_day = 100}});
  usage_ = folder_ / "usage";
  EXPECT_EQ(serving().post("/v1/completions", completion("\"max_tokens\":60"), with(key)).status,
            200);
  serving_.reset();
  EXPECT_EQ(
      serving().bad(429, "/v1/completions", completion("\"max_tokens\":60"), with(key))["code"],
      "rate_limit_exceeded");
  EXPECT_EQ(serving().post("/v1/completions", completion("\"max_tokens\":20"), with(key)).status,
            200);
}

// What a server that is killed now leaves: files are copied between two of its saves.
int64_t saved_tokens(const std::string& path, const std::string& copy) {
  for (const char* end : {"", "-wal"}) {
    std::filesystem::remove(copy + end);
    std::error_code none;
    std::filesystem::copy_file(path + end, copy + end, none);
  }
  const auto file = UsageFile::open(copy);
  const auto usages = file ? (*file)->load() : Result<std::vector<KeyUsage>>(file.error());
  EXPECT_TRUE(usages) << usages.error().message;
  return usages && !usages->empty() ? usages->front().tokens : 0;
}

class Saving : public KeyedService {
 protected:
  Saving() : key_(add({.tenant = "a", .limits = {.tokens_per_day = 1000}})) {
    ModelServerOptions options = serving_options();
    options.key_file = path_;
    options.usage_file = folder_ / "usage";
    auto started = ModelServer::start(std::move(options), clock_);
    EXPECT_TRUE(started) << started.error().message;
    if (started) server_ = std::move(*started);
  }
  // Its tokens are counted in full from its beginning to its end.
  void use(int tokens) {
    const auto answer = test::ask(server_->endpoint().port, "POST", "/v1/completions",
                                  completion(fmt::format("\"max_tokens\":{}", tokens)), with(key_));
    EXPECT_EQ(answer.status, 200) << answer.body;
  }
  int64_t saved() { return saved_tokens(folder_ / "usage", folder_ / "copy"); }

  test::ManualClock clock_;
  std::string key_;
  std::unique_ptr<ModelServer> server_;
};

TEST_F(Saving, UsedTokensAreSavedEachSecond) {
  EXPECT_TRUE(server_->tick());
  use(20);
  EXPECT_TRUE(server_->tick());
  EXPECT_EQ(saved(), 0) << "the second is not over";
  clock_.advance(1);
  EXPECT_TRUE(server_->tick());
  const int64_t first = saved();
  EXPECT_GE(first, 20);
  use(20);
  clock_.advance(1);
  EXPECT_TRUE(server_->tick());
  EXPECT_GE(saved(), first + 20);
}

TEST_F(Saving, AFullDiskIsSaidOnceAndStopsNobody) {
  const auto second_later = [&] {
    clock_.advance(1);
    return server_->tick();
  };
  use(20);
  {
    const test::SmallDisk disk(1024);
    const Status said = second_later();
    ASSERT_FALSE(said);
    EXPECT_NE(said.error().message.find(folder_ / "usage"), std::string::npos);
    EXPECT_NE(said.error().message.find("--usage"), std::string::npos);
    EXPECT_TRUE(second_later()) << "once";
    use(20);
    EXPECT_TRUE(second_later());
  }
  EXPECT_TRUE(second_later());
  EXPECT_GE(saved(), 40);
}

TEST_F(Saving, AnotherServerOnTheSameFileDoesNotStart) {
  ModelServerOptions options = serving_options();
  options.key_file = path_;
  options.usage_file = folder_ / "usage";
  const auto second = ModelServer::start(std::move(options), clock_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::Conflict);
  use(1);
}

TEST_F(KeyedService, ARevokedKeyEndsWhatItHasRunning) {
  const std::string key = add({.tenant = "a"}), other = add({.tenant = "b"});
  test::HttpClient connection(serving().port(), test::kWebLimit);
  Holdup holdup(serving().server().scheduler(), "verge-lm");
  holdup.begin(connection,
               test::request_bytes("POST", "/v1/completions",
                                   R"({"model":"verge-lm","prompt":"a","ignore_eos":true,"n":4,)"
                                   R"("stream":true,"max_tokens":250})",
                                   with(key)),
               4);
  ASSERT_TRUE(keys_.revoke(keys_.find(key)->id));
  ASSERT_TRUE(keys_.save(path_));
  ASSERT_TRUE(serving().server().tick());
  holdup.release();
  EXPECT_NE(connection.rest().find("revoked"), std::string::npos);
  EXPECT_EQ(serving().get("/v1/models", with(key)).status, 401);
  EXPECT_EQ(serving().get("/v1/models", with(other)).status, 200);
}

TEST_F(KeyedService, ARevokedKeyEndsItsEmbeddings) {
  const std::string key = add({.tenant = "a"});
  Scheduler& scheduler = serving().server().scheduler();
  Holdup holdup(scheduler, "verge-lm");
  const int64_t before = scheduler.snapshot().submitted;
  test::HttpClient connection(serving().port(), test::kWebLimit);
  connection.send(test::request_bytes(
      "POST", "/v1/embeddings", R"({"model":"verge-lm","input":["the LORD","wine"]})", with(key)));
  EXPECT_TRUE(test::eventually([&] { return scheduler.snapshot().submitted == before + 2; }));
  EXPECT_TRUE(keys_.revoke(keys_.find(key)->id));
  EXPECT_TRUE(keys_.save(path_));
  EXPECT_TRUE(serving().server().tick());
  holdup.release();
  EXPECT_NE(connection.rest().find("revoked"), std::string::npos);
}

// Without max_tokens an answer takes what the key has left: shorter than it could be, and told so.
TEST_F(KeyedService, AnAnswerThatItsQuotaCutSaysSo) {
  context_ = 1024;
  const std::string rich = add({.tenant = "a"});
  const std::string poor = add({.tenant = "b", .limits = {.tokens_per_day = 400}});
  const auto limit = [&](const std::string& key, const std::string& route, Json body) {
    body["model"] = "verge-lm";
    body["ignore_eos"] = true;
    const Json choice = serving().good("/v1/" + route, body.dump(), with(key))["choices"][0];
    EXPECT_EQ(choice["finish_reason"], "length");
    return choice["length_limit"];
  };
  const TokenIds ids(1000, 300);
  EXPECT_EQ(limit(rich, "completions", {{"prompt", ids}, {"max_tokens", 3}}), "max_tokens");
  EXPECT_EQ(limit(rich, "completions", {{"prompt", ids}, {"max_tokens", 5000}}), "context");
  const Json hello = Json::array({{{"role", "user"}, {"content", "a"}}});
  EXPECT_EQ(limit(poor, "chat/completions", {{"messages", hello}}), "quota");
  EXPECT_EQ(
      serving().bad(429, "/v1/completions", completion("\"max_tokens\":1"), with(poor))["code"],
      "rate_limit_exceeded");
}

}  // namespace
}  // namespace verge::serve::api
