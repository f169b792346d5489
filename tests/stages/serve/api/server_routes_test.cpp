// Verge's own routes over real sockets.

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "paths.hpp"
#include "serving.hpp"

namespace verge::serve::api {
namespace {

Serving& routes_serving() {
  static Serving* const server = new Serving;
  return *server;
}

std::set<std::string> names_in(const std::string& text) {
  std::set<std::string> names;
  const std::regex name("verge_[a-z_]+");
  for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at) {
    std::string found = at->str();
    for (const char* ending : {"_bucket", "_sum", "_count"}) {
      if (found.ends_with(ending)) found.resize(found.size() - std::strlen(ending));
    }
    names.insert(found);
  }
  return names;
}

// Those of the guide's table of metrics.
std::set<std::string> documented_names() {
  std::ifstream file(test::source_file("docs/guide.md"));
  const std::string guide{std::istreambuf_iterator<char>(file), {}};
  const size_t begin = guide.find("\n### Metrics\n");
  if (begin == std::string::npos) return {};
  return names_in(guide.substr(begin, guide.find("\n## ", begin) - begin));
}

TEST(ServerRoutes, HomeSaysThatItRuns) {
  EXPECT_EQ(routes_serving().get("/").body, "Verge is running\n");
}

TEST(ServerRoutes, HealthIsThatOfAModelThatAnswers) {
  EXPECT_EQ(routes_serving().get("/health").json()["status"], "ok");
}

TEST(ServerRoutes, MetricsHaveTheNamesOfTheGuide) {
  routes_serving().good("/v1/completions",
                        R"({"model":"verge-lm","prompt":"a","ignore_eos":true,"max_tokens":5})");
  std::set<std::string> documented = documented_names();
  EXPECT_FALSE(documented.empty());
  EXPECT_EQ(documented.erase("verge_http_ended_total"), 1u);    // begins with what is cut first
  EXPECT_EQ(documented.erase("verge_split_tokens_total"), 1u);  // of models that are split
  test::WebAnswer answer;
  std::set<std::string> shown;
  test::eventually([&] {  // an answer is counted after it is sent
    answer = routes_serving().get("/metrics");
    shown = names_in(answer.body);
    return std::ranges::includes(shown, documented);
  });
  for (const std::string& name : documented) EXPECT_EQ(shown.count(name), 1u) << name;
  EXPECT_TRUE(answer.headers.at("content-type").starts_with("text/plain; version=0.0.4"));
  documented.insert("verge_http_ended_total");
  for (const std::string& name : shown) {
    EXPECT_EQ(documented.count(name), 1u) << name << " is not in docs/guide.md";
  }
}

TEST(ServerRoutes, LiveIsWhatThePageReads) {
  routes_serving().good("/v1/completions",
                        R"({"model":"verge-lm","prompt":"a","ignore_eos":true,"max_tokens":5})");
  const Json live = routes_serving().get("/verge/live").json();
  for (const char* field : {"uptime_s", "rss_bytes", "memory_limit_bytes", "queue", "models"}) {
    EXPECT_TRUE(live.contains(field)) << field;
  }
  const Json& model = live["models"][0];
  for (const char* field : {"name", "loaded", "bytes", "context", "quantization", "running",
                            "waiting", "preemptions", "batch", "kv", "tokens", "ttft", "tpot"}) {
    EXPECT_TRUE(model.contains(field)) << field;
  }
  EXPECT_GT(model["kv"]["pages"], 0);
  EXPECT_GE(model["ttft"]["count"], 1);
  EXPECT_GT(model["ttft"]["p50"], 0);
}

TEST(ServerRoutes, SaysThatAModelIsStreamed) {
  ModelServerOptions options = serving_options();
  const model::MemoryNeed need = (*read_face(options.models[0]))->need;
  options.pool.memory_bytes = need.total() - need.weights_bytes / 8;
  const Serving streaming(std::move(options));
  const std::string body =
      R"({"model":"verge-lm","prompt":"In the beginning","temperature":0,"max_tokens":9})";
  EXPECT_EQ(streaming.good("/v1/completions", body)["choices"][0]["text"],
            routes_serving().good("/v1/completions", body)["choices"][0]["text"]);
  const auto live = [&] { return streaming.get("/verge/live").json()["models"][0]["stream"]; };
  const Json stream = live();
  EXPECT_GT(stream["step_bytes"], 0);
  // What the last step has read is published behind its answer.
  EXPECT_TRUE(test::eventually(
      [&] { return live()["read_bytes"] >= 9 * stream["step_bytes"].get<int64_t>(); }));
  EXPECT_FALSE(routes_serving().get("/verge/live").json()["models"][0].contains("stream"));
  const std::string metrics = streaming.get("/metrics").body;
  const std::string line = fmt::format("verge_model_streamed_bytes{{model=\"verge-lm\"}} {}\n",
                                       stream["step_bytes"].get<int64_t>());
  EXPECT_NE(metrics.find(line), std::string::npos) << metrics;
  // There is room for the activations of embeddings, too.
  streaming.good("/v1/embeddings", R"({"model":"verge-lm","input":"a text"})");
}

TEST(ServerRoutes, LoadsByName) {
  EXPECT_EQ(routes_serving().good("/verge/models/load", R"({"model":"verge-lm"})")["loaded"], true);
  EXPECT_EQ(routes_serving().bad(404, "/verge/models/load", R"({"model":"x"})")["code"],
            "model_not_found");
}

TEST(ServerRoutes, PackedBodiesAreRefusedInWords) {
  const auto packed =
      routes_serving().post("/v1/completions", "\x1f\x8b\x08", {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(packed.status, 415);
  EXPECT_EQ(packed.json()["error"]["code"], "unsupported_encoding");
  const auto plain = routes_serving().post("/verge/tokenize", R"({"model":"verge-lm","text":"a"})",
                                           {{"Content-Encoding", "identity"}});
  EXPECT_EQ(plain.status, 200);
}

TEST(ServerRoutes, UnknownPathsAndMethodsHaveErrorObjects) {
  const auto missing = routes_serving().get("/v1/nothing");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.json()["error"]["type"], "invalid_request_error");
  const auto hint = [](const std::string& path) -> std::string {
    return routes_serving().get(path).json()["error"]["message"];
  };
  EXPECT_NE(hint("/chat/completions").find("/v1/chat/completions"), std::string::npos);
  for (const char* path : {"/v1/models/", "//v1/models"}) {
    EXPECT_NE(hint(path).find("slash too many"), std::string::npos) << path;
  }
  const auto method = routes_serving().get("/v1/chat/completions");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.json()["error"]["code"], "method_not_allowed");
}

}  // namespace
}  // namespace verge::serve::api
