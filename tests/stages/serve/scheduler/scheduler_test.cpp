// Batched answers are those of generate() alone, whatever happens around them.

#include <algorithm>
#include <thread>

#include <verge/core/rng.hpp>

#include "serving.hpp"
#include "shared_data.hpp"
#include "small_disk.hpp"
#include "temporary_folder.hpp"

namespace verge::serve {
namespace {

constexpr int64_t kContext = 256;

struct Setting {
  std::string name;
  std::string model = test::repository_model();
  int64_t kv_tokens = 4096;
  int64_t spill_memory_bytes = int64_t{1} << 30;
  std::string spill_folder = {};
  int64_t reserve_pages = 2;
  bool share_prefixes = true;
  float temperature = 0;
  int cancel_one_in = 0;
};

// Several of them begin alike, as conversations with one system message do.
std::vector<Request> random_requests(const Setting& setting, int count, int vocab) {
  Rng rng(11, setting.temperature > 0);
  const auto token = [&] {
    return 3 + static_cast<int32_t>(rng.below(static_cast<uint32_t>(vocab - 3)));
  };
  std::vector<std::vector<int32_t>> beginnings(3);
  for (auto& beginning : beginnings) {
    for (int i = 0; i < 100; ++i) beginning.push_back(token());
  }
  std::vector<Request> requests;
  for (int i = 0; i < count; ++i) {
    Request request{.model = "m"};
    const auto& beginning = beginnings[rng.below(3)];
    const uint32_t shared = rng.below(2) == 0 ? 0 : rng.below(101);
    request.prompt.assign(beginning.begin(), beginning.begin() + shared);
    for (uint32_t own = 1 + rng.below(60); own > 0; --own) request.prompt.push_back(token());
    request.options.max_tokens = 1 + rng.below(60);
    request.options.ignore_end = rng.below(2) == 0;
    request.options.sampling.temperature = setting.temperature;
    request.options.sampling.seed = static_cast<uint64_t>(i);
    request.options.top_logprobs = i % 4 == 0 ? 1 : -1;
    request.tenant = std::string(1, i % 3 == 0 ? 'a' : 'b');
    request.priority = static_cast<int>(rng.below(3));
    requests.push_back(std::move(request));
  }
  return requests;
}

class Served {
 public:
  explicit Served(const Setting& setting)
      : models_({served(setting)}, clock_, {.threads = 1}),
        scheduler_(models_, clock_, options(setting)) {}

  void submit(const Request& request) {
    receivers.push_back(std::make_shared<test::Receiver>());
    const auto id = scheduler_.submit(request, receivers.back());
    ASSERT_TRUE(id.ok()) << id.error().message;
    ids.push_back(*id);
  }

  // Until the model has loaded and the first step is done: what follows depends on no speed.
  void start(const Request& request) {
    submit(request);
    while (!scheduler_.step()) std::this_thread::yield();
  }

  void step() { scheduler_.step(); }

  void finish() {
    while (!std::ranges::all_of(receivers, [](const auto& r) { return r->has_ended.load(); }))
      step();
  }

  ModelSnapshot model() const { return scheduler_.snapshot().models.at(0); }
  Scheduler& scheduler() { return scheduler_; }

  std::vector<std::shared_ptr<test::Receiver>> receivers;
  std::vector<RequestId> ids;

 private:
  static ServedModel served(const Setting& setting) {
    ServedModel model{.name = "m", .path = setting.model};
    model.load.context = kContext;
    model.load.max_tokens = 96;
    model.load.max_sequences = 8;
    model.load.kv_tokens = setting.kv_tokens;
    return model;
  }
  static SchedulerOptions options(const Setting& setting) {
    SchedulerOptions options;
    options.step_tokens = 64;
    options.reserve_pages = setting.reserve_pages;
    options.share_prefixes = setting.share_prefixes;
    options.spill_memory_bytes = setting.spill_memory_bytes;
    options.spill_folder = setting.spill_folder;
    options.verify = true;
    return options;
  }

  SystemClock clock_;
  ModelPool models_;
  Scheduler scheduler_;
};

void expect_same(const test::Receiver& got, const Generation& expected, bool was_cancelled) {
  ASSERT_TRUE(got.end.status.ok()) << got.end.status.error().message;
  if (was_cancelled && got.end.reason == StopReason::Cancelled) {
    ASSERT_LE(got.tokens.size(), expected.tokens.size());
    EXPECT_TRUE(
        std::ranges::equal(got.tokens, std::span(expected.tokens).first(got.tokens.size())));
    return;
  }
  EXPECT_EQ(got.tokens, expected.tokens);
  EXPECT_EQ(got.text, expected.text);
  EXPECT_EQ(got.end.reason, expected.reason);
  EXPECT_EQ(got.end.usage.answer_tokens, static_cast<int64_t>(expected.tokens.size()));
  ASSERT_EQ(got.logprobs.size(), expected.logprobs.size());
  for (size_t i = 0; i < got.logprobs.size(); ++i) {
    EXPECT_EQ(got.logprobs[i].chosen.logprob, expected.logprobs[i].chosen.logprob);  // every bit
  }
}

// What the model alone answers: the same for all settings with the same requests.
const std::vector<Generation>& expected_of(const Setting& setting,
                                           const std::vector<Request>& requests,
                                           test::Oracle& oracle) {
  static std::map<std::pair<std::string, bool>, std::vector<Generation>> known;
  std::vector<Generation>& answers = known[{setting.model, setting.temperature > 0}];
  for (size_t i = answers.size(); i < requests.size(); ++i) {
    answers.push_back(oracle.answer(requests[i]));
  }
  return answers;
}

// 40 requests that arrive while others run, of which some are given up.
ModelSnapshot serve_and_compare(const Setting& setting) {
  test::Oracle oracle(setting.model, kContext);
  const auto requests =
      random_requests(setting, 40, static_cast<int>(oracle.model().config().vocab));
  Served served(setting);
  Rng rng(3);
  std::vector<bool> given_up(requests.size());
  served.start(requests[0]);
  for (size_t next = 1; next < requests.size();) {
    for (uint32_t n = rng.below(3); n > 0 && next < requests.size(); --n)
      served.submit(requests[next++]);
    served.step();
    if (setting.cancel_one_in == 0 || next == 0 ||
        rng.below(static_cast<uint32_t>(setting.cancel_one_in)) != 0)
      continue;
    const uint32_t who = rng.below(static_cast<uint32_t>(next));
    given_up[who] = true;
    served.scheduler().cancel(served.ids[who]);
  }
  served.finish();
  const auto& expected = expected_of(setting, requests, oracle);
  for (size_t i = 0; i < requests.size(); ++i) {
    SCOPED_TRACE(fmt::format("{}: request {}", setting.name, i));
    expect_same(*served.receivers[i], expected[i], given_up[i]);
  }
  const ModelSnapshot end = served.model();
  EXPECT_EQ(end.pages_free + end.pages_cached, end.pages_total);
  EXPECT_EQ(end.running + end.waiting + end.preempted, 0);
  EXPECT_EQ(end.spilled_bytes, 0);
  return end;
}

TEST(Scheduler, AnswersAreThoseOfEachAlone) {
  const ModelSnapshot end = serve_and_compare({.name = "plenty"});
  EXPECT_EQ(end.preemptions, 0);
  EXPECT_EQ(std::ranges::max(end.batch_sizes), 8);
  EXPECT_GT(end.prefix_hits, 5);
  EXPECT_GT(end.cached_tokens, 300);
}

TEST(Scheduler, SampledAnswersAreThoseOfEachAlone) {
  serve_and_compare({.name = "sampled", .temperature = 1});
}

TEST(Scheduler, WithoutSharingToo) {
  const ModelSnapshot end = serve_and_compare({.name = "apart", .share_prefixes = false});
  EXPECT_EQ(end.prefix_hits, 0);
  EXPECT_EQ(end.pages_cached, 0);
}

TEST(Scheduler, NoTokenIsLostOrChangedUnderPagePressure) {
  const ModelSnapshot end = serve_and_compare(
      {.name = "pressure", .kv_tokens = 384, .reserve_pages = 0, .temperature = 1});
  EXPECT_GT(end.preemptions, 5);
}

TEST(Scheduler, WhatDoesNotFitInMemoryGoesToAFile) {
  test::TemporaryFolder folder;
  const ModelSnapshot end = serve_and_compare({.name = "file",
                                               .kv_tokens = 384,
                                               .spill_memory_bytes = 1,
                                               .spill_folder = folder.path(),
                                               .reserve_pages = 0});
  EXPECT_GT(end.preemptions, 5);
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(Scheduler, WhereThereIsNoRoomForPagesTheyAreComputedAgain) {
  for (const char* spill_folder : {"", "/absent/folder"}) {
    const ModelSnapshot end = serve_and_compare({.name = spill_folder,
                                                 .kv_tokens = 384,
                                                 .spill_memory_bytes = 1,
                                                 .spill_folder = spill_folder,
                                                 .reserve_pages = 0,
                                                 .temperature = 1});
    EXPECT_GT(end.preemptions, 5);
  }
}

TEST(Scheduler, AFullDiskLosesNothing) {
  test::TemporaryFolder folder;
  const test::SmallDisk full(4096);
  const ModelSnapshot end = serve_and_compare({.name = "full disk",
                                               .kv_tokens = 384,
                                               .spill_memory_bytes = 1,
                                               .spill_folder = folder.path(),
                                               .reserve_pages = 0});
  EXPECT_GT(end.preemptions, 5);
}

TEST(Scheduler, WhoIsGivenUpChangesNobodyElsesAnswer) {
  serve_and_compare(
      {.name = "cancelled", .kv_tokens = 384, .reserve_pages = 0, .cancel_one_in = 2});
}

TEST(Scheduler, APublishedModelIsServedTheSame) {
  const std::string path = test::shared_data("models/stories260K.gguf");
  if (path.empty()) GTEST_SKIP() << "stories260K.gguf is absent: set VERGE_SHARED_DATA";
  serve_and_compare({.name = "stories", .model = path});
  serve_and_compare({.name = "stories",
                     .model = path,
                     .kv_tokens = 512,
                     .reserve_pages = 0,
                     .temperature = 1,
                     .cancel_one_in = 5});
}

Request request_of(int64_t prompt, int64_t answer, int32_t first = 10) {
  Request request{.model = "m"};
  for (int64_t i = 0; i < prompt; ++i)
    request.prompt.push_back(first + static_cast<int32_t>(i % 50));
  request.options.max_tokens = answer;
  request.options.ignore_end = true;
  request.options.sampling.temperature = 0;
  return request;
}

TEST(Scheduler, EqualPromptsThatArriveTogetherAreComputedOnce) {
  Served served({.name = "together"});
  for (int i = 0; i < 4; ++i) served.submit(request_of(200, 4));
  served.finish();
  const ModelSnapshot end = served.model();
  EXPECT_EQ(end.prefix_hits, 3);
  EXPECT_LE(end.prefill_tokens, 200 + 3 * 63);
  for (const auto& receiver : served.receivers)
    EXPECT_EQ(receiver->tokens, served.receivers[0]->tokens);
}

TEST(Scheduler, ALongPromptDoesNotStopAnAnswer) {
  Served served({.name = "long prompt"});
  served.submit(request_of(8, 40));
  while (served.receivers[0]->tokens.empty()) served.step();
  served.submit(request_of(220, 4, 90));
  while (served.receivers[1]->tokens.empty()) {
    const size_t before = served.receivers[0]->tokens.size();
    served.step();
    EXPECT_EQ(served.receivers[0]->tokens.size(), before + 1);
  }
  EXPECT_LT(served.receivers[0]->tokens.size(), 12u);  // nor does the answer stop the prompt
  served.finish();
}

TEST(Scheduler, WhatCanNeverFitIsRefusedWithTheNumbers) {
  Served served({.name = "refusals", .kv_tokens = 128});
  struct Case {
    Request request;
    std::string says;
  };
  Request absent = request_of(4, 4), adapter = request_of(4, 4), priority = request_of(4, 4);
  absent.model = "other";
  adapter.adapter = "lora";
  priority.priority = 99;
  Request sampling = request_of(4, 4), token = request_of(4, 4);
  sampling.options.sampling.top_p = 2;
  token.prompt[2] = 1 << 20;
  const Case cases[] = {{request_of(129, 1), "at most 128"},
                        {request_of(100, 30), "at most 29"},
                        {request_of(0, 4), "no tokens"},
                        {absent, "there are m"},
                        {adapter, "lora"},
                        {priority, "-8 to 8"},
                        {sampling, "top_p"},
                        {token, "1048576"}};
  for (const auto& [request, says] : cases) {
    const auto id = served.scheduler().submit(request, std::make_shared<test::Receiver>());
    ASSERT_FALSE(id.ok()) << says;
    EXPECT_NE(id.error().message.find(says), std::string::npos) << id.error().message;
  }
  EXPECT_EQ(served.scheduler().snapshot().refused, 8);
  served.submit(request_of(100, 29));  // the largest that can
  served.submit(request_of(100, -1));
  served.finish();
  EXPECT_EQ(served.receivers[0]->end.reason, StopReason::MaxTokens);
  EXPECT_EQ(served.receivers[1]->end.reason, StopReason::ContextFull);
  EXPECT_EQ(served.receivers[1]->tokens.size(), 29u);
}

}  // namespace
}  // namespace verge::serve
