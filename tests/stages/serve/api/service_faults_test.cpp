// Crowds, ends and clients that behave badly, over real sockets.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include <temporary_folder.hpp>

#include "holdup.hpp"
#include "serving.hpp"

namespace verge::serve::api {
namespace {

using test::eventually;
using test::HttpClient;
using test::WebAnswer;

const std::string kLong =
    R"({"model":"verge-lm","prompt":"a","stream":true,"ignore_eos":true,"max_tokens":200})";

std::string short_answer(int number) {
  return fmt::format(
      R"({{"model":"verge-lm","prompt":"Verse {}","max_tokens":3,"ignore_eos":true}})", number);
}

// Those who read late have all the time that there is.
ModelServerOptions patient_options() {
  ModelServerOptions options = serving_options();
  options.http.limits.farewell_s = 600;
  return options;
}

// Answers to `count` requests that are sent at once, each on a connection of its own.
class Crowd {
 public:
  Crowd(const Serving& serving, int count, const test::WebHeaders& headers = {}) {
    for (int i = 0; i < count; ++i) {
      answers_.push_back(std::async(std::launch::async, [&serving, i, headers] {
        return serving.post("/v1/completions", short_answer(i), headers);
      }));
    }
  }
  std::vector<WebAnswer> answers() {
    std::vector<WebAnswer> all;
    for (auto& answer : answers_) all.push_back(answer.get());
    return all;
  }

 private:
  std::vector<std::future<WebAnswer>> answers_;
};

int expect_served_or_told_when(const std::vector<WebAnswer>& answers) {
  int served = 0;
  for (const WebAnswer& answer : answers) {
    if (answer.status == 200) {
      EXPECT_EQ(answer.json()["usage"]["completion_tokens"], 3);
      ++served;
      continue;
    }
    EXPECT_EQ(answer.status, 429) << answer.body;
    EXPECT_GE(std::stoi(answer.headers.at("retry-after")), 1);
    const Json error = answer.json()["error"];
    EXPECT_EQ(error["type"], "rate_limit_error");
    EXPECT_EQ(error["code"], "server_busy");
    EXPECT_NE(error["message"].get<std::string>().find("wait"), std::string::npos);
  }
  return served;
}

TEST(Service, BeyondTheQueueIsToldWhenToComeBack) {
  ModelServerOptions options = serving_options();
  options.scheduler.max_waiting = 1 + 3;  // what holds the engine is still counted
  Serving serving(std::move(options));
  Scheduler& scheduler = serving.server().scheduler();
  Holdup holdup(scheduler, "verge-lm");
  const Snapshot before = scheduler.snapshot();
  Crowd crowd(serving, 20);
  EXPECT_TRUE(eventually([&] { return scheduler.snapshot().refused == before.refused + 17; }));
  holdup.release();
  EXPECT_EQ(expect_served_or_told_when(crowd.answers()), 3);
  EXPECT_EQ(scheduler.snapshot().failed, before.failed);
  EXPECT_EQ(serving.post("/v1/completions", short_answer(1)).status, 200) << "there is room again";
}

TEST(Service, ATenantFillsItsPartOfTheQueueAndNoMore) {
  const test::TemporaryFolder folder;
  KeyFile keys;
  const std::string flood = *keys.add({.tenant = "flood"}), other = *keys.add({.tenant = "other"});
  ASSERT_TRUE(keys.save(folder / "keys.json"));
  ModelServerOptions options = serving_options();
  options.key_file = folder / "keys.json";
  options.scheduler.max_waiting = 1 + 3 + 2;
  options.scheduler.max_waiting_per_tenant = 3;
  Serving serving(std::move(options));
  Scheduler& scheduler = serving.server().scheduler();
  Holdup holdup(scheduler, "verge-lm");
  const int64_t refused = scheduler.snapshot().refused;
  Crowd flooding(serving, 10, {{"Authorization", "Bearer " + flood}});
  EXPECT_TRUE(eventually([&] { return scheduler.snapshot().refused == refused + 7; }));
  const int64_t submitted = scheduler.snapshot().submitted;
  Crowd polite(serving, 2, {{"Authorization", "Bearer " + other}});
  EXPECT_TRUE(eventually([&] { return scheduler.snapshot().submitted == submitted + 2; }));
  holdup.release();
  EXPECT_EQ(expect_served_or_told_when(flooding.answers()), 3);
  EXPECT_EQ(expect_served_or_told_when(polite.answers()), 2);
}

TEST(Service, DrainingLetsAnswersEndAndRefusesNewOnes) {
  Serving serving;
  HttpClient running(serving.port(), test::kWebLimit);
  Holdup holdup(serving.server().scheduler(), "verge-lm");  // it cannot end before we have looked
  holdup.begin(running, test::request_bytes("POST", "/v1/completions", kLong));
  serving.server().drain(600);
  const WebAnswer health = serving.get("/health");
  EXPECT_EQ(health.status, 503);
  EXPECT_EQ(health.json()["status"], "draining");
  EXPECT_EQ(serving.get("/metrics").status, 200);
  const Json error = serving.bad(503, "/v1/completions", short_answer(1));
  EXPECT_EQ(error["code"], "shutting_down");
  EXPECT_EQ(error["type"], "server_error");
  EXPECT_NE(error["message"].get<std::string>().find("stopping"), std::string::npos);
  EXPECT_EQ(serving.post("/api/generate", R"({"model":"verge-lm","prompt":"a"})").status, 503);
  EXPECT_FALSE(serving.server().has_ended());
  holdup.release();
  EXPECT_NE(running.rest().find("[DONE]"), std::string::npos);
  EXPECT_TRUE(eventually([&] { return serving.server().has_ended(); }));
  serving.server().wait();
  EXPECT_FALSE(HttpClient(serving.port()).is_connected());
}

TEST(Service, TheDeadlineOfADrainIsToldToThoseItEnds) {
  Serving serving(patient_options());
  HttpClient running(serving.port(), test::kWebLimit), whole(serving.port(), test::kWebLimit);
  Holdup holdup(serving.server().scheduler(), "verge-lm");
  holdup.begin(running, test::request_bytes("POST", "/v1/completions", kLong));
  const int64_t submitted = serving.server().scheduler().snapshot().submitted;
  whole.send(test::request_bytes("POST", "/v1/completions", short_answer(1)));
  ASSERT_TRUE(eventually(
      [&] { return serving.server().scheduler().snapshot().submitted == submitted + 1; }));
  serving.server().drain(1e-3);
  const SystemClock clock;
  const double deadline_s = clock.seconds() + 1e-3;
  ASSERT_TRUE(eventually([&] { return clock.seconds() > deadline_s; }));
  EXPECT_TRUE(serving.server().tick());
  holdup.release();
  const std::string stream = running.rest();
  EXPECT_NE(stream.find(R"("code":"shutting_down")"), std::string::npos);
  EXPECT_EQ(stream.find("[DONE]"), std::string::npos);
  const test::HttpAnswer refused = whole.answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(Json::parse(refused.body)["error"]["code"], "shutting_down");
  EXPECT_TRUE(eventually([&] { return serving.server().has_ended(); }));
}

TEST(Service, ASecondDrainEndsAtOnce) {
  Serving serving;
  HttpClient running(serving.port(), test::kWebLimit);
  Holdup holdup(serving.server().scheduler(), "verge-lm");
  holdup.begin(running, test::request_bytes("POST", "/v1/completions", kLong));
  serving.server().drain(600);
  serving.server().drain(0);
  EXPECT_EQ(running.rest().find("[DONE]"), std::string::npos);
  EXPECT_TRUE(eventually([&] { return serving.server().has_ended(); }));
}

// While two long requests are held where they are read, a server with one network thread answers
// the rest.
TEST(Service, LongRequestsDoNotHoldUpOthers) {
  std::atomic<bool> is_held{true};
  std::atomic<int> reading{0};
  std::promise<void> released;
  const std::shared_future<void> gate = released.get_future().share();
  ModelServerOptions options = serving_options();
  options.http.threads = 1;
  const std::thread::id test_thread = std::this_thread::get_id();
  options.service.unix_time_s = [&, gate, test_thread]() -> int64_t {
    if (!is_held || std::this_thread::get_id() == test_thread) return 1;  // of the service's start
    ++reading;
    gate.wait_for(std::chrono::minutes(10));
    return 1;
  };
  Serving serving(std::move(options));
  const std::string padding(size_t{1} << 20, ' ');
  std::vector<std::future<WebAnswer>> held;
  for (const size_t bytes : {size_t{100} << 10, size_t{1} << 20, size_t{1} << 20}) {
    held.push_back(std::async(std::launch::async, [&, bytes] {
      return serving.post("/v1/completions", short_answer(1) + padding.substr(0, bytes));
    }));
  }
  EXPECT_TRUE(eventually([&] { return reading == 2; })) << "one of each size";
  EXPECT_EQ(serving.get("/health").status, 200);
  EXPECT_EQ(serving.get("/v1/models").status, 200);
  is_held = false;
  EXPECT_EQ(serving.post("/v1/completions", short_answer(2)).status, 200);
  released.set_value();
  for (auto& answer : held) EXPECT_EQ(answer.get().status, 200);
}

// What waits to be read when a drain ends is told so, and does not begin to run.
TEST(Service, LongRequestsAreToldOfADrainsEnd) {
  std::promise<void> released;
  const std::shared_future<void> gate = released.get_future().share();
  std::atomic<int> reading{0};
  ModelServerOptions options = patient_options();
  options.http.threads = 1;
  const std::thread::id test_thread = std::this_thread::get_id();
  options.service.unix_time_s = [&, gate, test_thread]() -> int64_t {
    if (std::this_thread::get_id() == test_thread) return 1;
    ++reading;
    gate.wait_for(std::chrono::minutes(10));
    return 1;
  };
  Serving serving(std::move(options));
  const std::string body = short_answer(1) + std::string(size_t{100} << 10, ' ');
  const std::string request = test::request_bytes("POST", "/v1/completions", body);
  HttpClient read(serving.port()), waits(serving.port());
  read.send(request);
  EXPECT_TRUE(eventually([&] { return reading == 1; }));
  waits.send(request);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(serving.get("/health").status, 200);  // it has come whole
  serving.server().drain(1e-3);
  const SystemClock clock;
  const double deadline_s = clock.seconds() + 1e-3;
  ASSERT_TRUE(eventually([&] { return clock.seconds() > deadline_s; }));
  EXPECT_TRUE(serving.server().tick());
  released.set_value();
  const test::HttpAnswer refused = waits.answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(Json::parse(refused.body)["error"]["code"], "shutting_down");
  EXPECT_NE(read.answer().status, 0);
}

// While a tenant's first long request is read three more of it wait, then one of another: that is
// among the next two.
TEST(Service, ATenantsLongRequestsDoNotHoldUpAnothers) {
  const test::TemporaryFolder folder;
  KeyFile keys;
  const std::string flood = *keys.add({.tenant = "flood"}), other = *keys.add({.tenant = "other"});
  ASSERT_TRUE(keys.save(folder / "keys.json"));
  std::mutex mutex;
  std::condition_variable changed;
  int calls = 0, allowed = 0;  // two calls for each request that is read
  ModelServerOptions options = serving_options();
  options.key_file = folder / "keys.json";
  const std::thread::id test_thread = std::this_thread::get_id();
  options.service.unix_time_s = [&, test_thread]() -> int64_t {
    if (std::this_thread::get_id() == test_thread) return 1;
    std::unique_lock lock(mutex);
    const int call = ++calls;
    changed.wait_for(lock, std::chrono::minutes(10), [&] { return call <= allowed; });
    return 1;
  };
  Serving serving(std::move(options));
  const std::string body = short_answer(1) + std::string(size_t{300} << 10, ' ');
  const auto send = [&](HttpClient& client, const std::string& key) {
    client.send(
        test::request_bytes("POST", "/v1/completions", body, {{"Authorization", "Bearer " + key}}));
  };
  const auto allow = [&](int requests) {
    const std::lock_guard lock(mutex);
    allowed = 2 * requests;
    changed.notify_all();
  };
  std::deque<HttpClient> flooding;
  for (int i = 0; i < 4; ++i) send(flooding.emplace_back(serving.port()), flood);
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return calls == 1;
  }));
  HttpClient polite(serving.port());
  send(polite, other);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(serving.get("/health").status, 200);  // all have come whole
  allow(3);
  EXPECT_EQ(polite.answer().status, 200);
  allow(5);
  for (HttpClient& client : flooding) EXPECT_EQ(client.answer().status, 200);
}

TEST(Service, TooManyLongRequestsAreToldToComeBack) {
  std::promise<void> released;
  const std::shared_future<void> gate = released.get_future().share();
  std::atomic<int> reading{0};
  ModelServerOptions options = serving_options();
  options.http.threads = 1;
  const std::thread::id test_thread = std::this_thread::get_id();
  options.service.unix_time_s = [&, gate, test_thread]() -> int64_t {
    if (std::this_thread::get_id() == test_thread) return 1;
    ++reading;
    gate.wait_for(std::chrono::minutes(10));
    return 1;
  };
  Serving serving(std::move(options));
  const std::string body = short_answer(1) + std::string(size_t{24} << 20, ' ');
  std::vector<std::future<WebAnswer>> answers;
  const auto send = [&] {
    answers.push_back(
        std::async(std::launch::async, [&] { return serving.post("/v1/completions", body); }));
  };
  send();
  EXPECT_TRUE(eventually([&] { return reading == 1; }));
  for (int i = 0; i < 3; ++i) send();  // two wait, one is beyond 64 MiB
  const auto is_over = [](std::future<WebAnswer>& answer) {
    return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  };
  EXPECT_TRUE(eventually([&] { return std::ranges::count_if(answers, is_over) == 1; }));
  for (const char* route : {"/v1/embeddings", "/verge/tokenize", "/api/embed"}) {
    const WebAnswer answer = serving.post(route, body);
    EXPECT_EQ(answer.status, 429) << route << ": " << answer.body;
    EXPECT_TRUE(answer.headers.contains("retry-after")) << route;
  }
  released.set_value();
  int refused = 0;
  for (auto& waiting : answers) {
    const WebAnswer answer = waiting.get();
    refused += answer.status == 429 && answer.headers.contains("retry-after") ? 1 : 0;
    EXPECT_TRUE(answer.status == 200 || answer.status == 429) << answer.status;
  }
  EXPECT_EQ(refused, 1);
}

// Thousands of connections that never say a whole request, in a server that takes fifty.
TEST(Service, HalfOpenConnectionsCostOthersNothing) {
  ModelServerOptions options = serving_options();
  options.http.limits.max_connections = 50;
  options.http.threads = 2;
  Serving serving(std::move(options));
  HttpClient running(serving.port(), test::kWebLimit);
  Holdup holdup(serving.server().scheduler(), "verge-lm");
  holdup.begin(running, test::request_bytes("POST", "/v1/completions", kLong));
  std::deque<HttpClient> half;
  for (int i = 0; i < 2000; ++i) {
    half.emplace_back(serving.port());
    if (i % 2 == 0) half.back().send("POST /v1/completions HTTP/1.1\r\nHost: h\r\nContent-Le");
    if (half.size() >= 200) half.pop_front();
    if (i % 500 != 0) continue;
    EXPECT_EQ(serving.get("/health").status, 200) << i;
  }
  EXPECT_LE(serving.server().connections(), 50 + 2 * 64);
  holdup.release();
  EXPECT_NE(running.rest().find("[DONE]"), std::string::npos) << "an answer is not given up for it";
  EXPECT_EQ(serving.post("/v1/completions", short_answer(1)).status, 200);
}

// A client that takes nothing of a stream that is longer than what the sockets hold.
TEST(Service, AClientThatStopsReadingLosesItsAnswerAndNobodyElses) {
  ModelServerOptions options = serving_options();
  options.http.limits.write_timeout_s = 0.5;
  Serving serving(std::move(options));
  HttpClient deaf(serving.port(), test::kWebLimit);
  const int small = 4096;
  ::setsockopt(deaf.socket(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  deaf.send(test::request_bytes(
      "POST", "/v1/chat/completions",
      R"({"model":"verge-lm","messages":[{"role":"user","content":"a"}],"stream":true,"n":64,)"
      R"("ignore_eos":true,"max_tokens":200,"logprobs":true,"top_logprobs":20})"));
  ASSERT_TRUE(deaf.until("data: "));
  EXPECT_EQ(serving.post("/v1/completions", short_answer(1)).status, 200);
  EXPECT_TRUE(eventually([&] { return serving.running() == 0; }));
  const Snapshot snapshot = serving.server().scheduler().snapshot();
  EXPECT_LT(snapshot.models[0].decode_tokens, 64 * 200) << "its answers were given up";
  EXPECT_EQ(deaf.rest().find("[DONE]"), std::string::npos);
  EXPECT_EQ(serving.post("/v1/completions", short_answer(1)).status, 200);
}

}  // namespace
}  // namespace verge::serve::api
