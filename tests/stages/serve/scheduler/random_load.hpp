#pragma once
// Random requests at random steps, served together and compared with what the model answers to each
// alone.

#include <algorithm>
#include <map>
#include <thread>

#include <fmt/format.h>

#include <verge/core/rng.hpp>

#include "manual_clock.hpp"
#include "sanitized.hpp"
#include "serving.hpp"
#include "shared_data.hpp"

namespace verge::serve {

inline constexpr int64_t kContext = 256;
inline constexpr int kRequests = test::kSanitized ? 16 : 40;

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
  bool varied = false;  // stop strings, constraints, repetition penalties, repeated text
  DraftSource drafts = {};
  bool always_draft = true;
  double streamed_part = 0;  // of the weights
};

/// A constraint with a state: tokens of one parity, then of the other.
class Alternating : public text::TokenConstraint {
 public:
  void mask(std::span<uint64_t> bits) override {
    std::ranges::fill(bits, is_odd_ ? 0xaaaaaaaaaaaaaaaa : 0x5555555555555555);
  }
  void accept(int32_t) override { is_odd_ = !is_odd_; }
  bool is_complete() const override { return false; }
  std::unique_ptr<TokenConstraint> clone() const override {
    return std::make_unique<Alternating>(*this);
  }

 private:
  bool is_odd_ = false;
};

inline void vary(Request& request, int index) {
  if (index % 2 == 0) {  // what n-grams find
    const std::vector<int32_t> once = request.prompt;
    request.prompt.insert(
        request.prompt.end(), once.begin(),
        once.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(once.size(), 30)));
  }
  if (index % 5 == 1) request.options.stop = {"the", "an", ","};
  if (index % 7 == 2) request.constraint = std::make_shared<Alternating>();
  if (index % 3 == 0) request.options.sampling.repetition_penalty = 1.1f;
}

// Several of them begin alike, as conversations with one system message do.
inline std::vector<Request> random_requests(const Setting& setting, int count, int vocab) {
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
    if (setting.varied) vary(request, i);
    requests.push_back(std::move(request));
  }
  return requests;
}

class Served {
 public:
  explicit Served(const Setting& setting)
      : models_({served(setting)}, clock(setting), {.threads = 1, .memory_bytes = budget(setting)}),
        scheduler_(models_, clock(setting), options(setting)) {}

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
    model.drafts = setting.drafts;
    if (setting.drafts.is_on()) model.load.max_outputs = 32;
    return model;
  }
  static int64_t budget(const Setting& setting) {
    if (setting.streamed_part == 0) return 0;
    const model::MemoryNeed need = (*read_face(served(setting)))->need;
    const auto weights = static_cast<double>(need.weights_bytes);
    return need.total() - static_cast<int64_t>(setting.streamed_part * weights);
  }
  static SchedulerOptions options(const Setting& setting) {
    SchedulerOptions options;
    options.step_tokens = 64;
    options.reserve_pages = setting.reserve_pages;
    options.share_prefixes = setting.share_prefixes;
    options.spill_memory_bytes = setting.spill_memory_bytes;
    options.spill_folder = setting.spill_folder;
    options.always_draft = setting.always_draft;
    options.verify = true;
    return options;
  }

  // Stands where it can, so that the order depends on no speed.
  const Clock& clock(const Setting& setting) const {
    return setting.always_draft ? static_cast<const Clock&>(standing_) : running_;
  }

  test::ManualClock standing_{0};
  SystemClock running_;
  ModelPool models_;
  Scheduler scheduler_;
};

inline void expect_same(const test::Receiver& got, const Generation& expected, bool was_cancelled) {
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
inline const std::vector<Generation>& expected_of(const Setting& setting,
                                                  const std::vector<Request>& requests,
                                                  test::Oracle& oracle) {
  static std::map<std::tuple<std::string, bool, bool>, std::vector<Generation>> known;
  std::vector<Generation>& answers =
      known[{setting.model, setting.temperature > 0, setting.varied}];
  for (size_t i = answers.size(); i < requests.size(); ++i) {
    answers.push_back(oracle.answer(requests[i]));
  }
  return answers;
}

// Requests that arrive while others run, of which some are given up.
inline ModelSnapshot serve_and_compare(const Setting& setting) {
  test::Oracle oracle(setting.model, kContext);
  const auto requests =
      random_requests(setting, kRequests, static_cast<int>(oracle.model().config().vocab));
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
  Usage used;
  for (size_t i = 0; i < requests.size(); ++i) {
    SCOPED_TRACE(fmt::format("{}: request {}", setting.name, i));
    expect_same(*served.receivers[i], expected[i], given_up[i]);
    used.draft_tokens += served.receivers[i]->end.usage.draft_tokens;
    used.accepted_tokens += served.receivers[i]->end.usage.accepted_tokens;
  }
  const ModelSnapshot end = served.model();
  EXPECT_EQ(end.pages_free + end.pages_cached, end.pages_total);
  EXPECT_EQ(end.running + end.waiting + end.preempted, 0);
  EXPECT_EQ(end.spilled_bytes, 0);
  EXPECT_EQ(end.draft_tokens, used.draft_tokens);
  EXPECT_EQ(end.accepted_tokens, used.accepted_tokens);
  return end;
}

}  // namespace verge::serve
