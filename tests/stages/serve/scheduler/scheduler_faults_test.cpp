// Queues that are full, deadlines, clients that come and go, and many threads at once.

#include <thread>

#include <verge/core/rng.hpp>

#include "manual_clock.hpp"
#include "serving.hpp"
#include "tiny_model.hpp"

namespace verge::serve {
namespace {

class Faults : public testing::Test {
 protected:
  void SetUp() override {
    served_ = {.name = "m", .path = test::tiny_model(folder_)};
    served_.load.context = 256;
    served_.load.max_tokens = 64;
    served_.load.max_sequences = 4;
    served_.load.kv_tokens = 512;
  }

  Scheduler& make(SchedulerOptions options) {
    options.verify = true;
    pool_.emplace(std::vector{served_}, clock_, ModelPoolOptions{});
    return scheduler_.emplace(*pool_, clock_, std::move(options));
  }

  static Request request(int64_t prompt, int64_t answer, const std::string& tenant = "t") {
    Request request{.model = "m"};
    for (int64_t i = 0; i < prompt; ++i)
      request.prompt.push_back(10 + static_cast<int32_t>(i % 90));
    request.options.max_tokens = answer;
    request.options.ignore_end = true;
    request.options.sampling.temperature = 0;
    request.tenant = tenant;
    return request;
  }

  Result<RequestId> submit(const Request& request, std::shared_ptr<test::Receiver> receiver = {}) {
    if (receiver == nullptr) receiver = std::make_shared<test::Receiver>();
    return scheduler_->submit(request, receiver);
  }

  void run_until(const std::function<bool()>& done) {
    while (!done()) {
      if (!scheduler_->step()) std::this_thread::yield();
    }
  }

  test::TemporaryFolder folder_;
  test::ManualClock clock_{0};
  SystemClock system_;
  ServedModel served_;
  std::optional<ModelPool> pool_;
  std::optional<Scheduler> scheduler_;
};

TEST_F(Faults, AFullQueueRefusesAndSaysWhenToComeBack) {
  Scheduler& scheduler = make({.max_waiting = 5, .max_waiting_per_tenant = 3});
  const auto last = std::make_shared<test::Receiver>();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(submit(request(8, 4, "greedy")).ok());
  EXPECT_EQ(submit(request(8, 4, "greedy")).error().code, Code::Busy);
  ASSERT_TRUE(submit(request(8, 4, "other")).ok());
  ASSERT_TRUE(submit(request(8, 4, "third"), last).ok());
  EXPECT_EQ(submit(request(8, 4, "fourth")).error().code, Code::Busy);
  EXPECT_EQ(scheduler.retry_after_s(), 1);  // nothing is known of the pace yet
  EXPECT_EQ(scheduler.snapshot().refused, 2);
  EXPECT_EQ(scheduler.snapshot().submitted, 5);
  run_until([&] { return last->has_ended.load(); });
  EXPECT_TRUE(submit(request(8, 4, "greedy")).ok());  // there is room again
}

TEST_F(Faults, TheAdviceFollowsThePace) {
  Scheduler& scheduler = make({});
  for (int i = 0; i < 4; ++i) {  // one every ten seconds
    const auto receiver = std::make_shared<test::Receiver>();
    ASSERT_TRUE(submit(request(8, 1), receiver).ok());
    run_until([&] { return receiver->has_ended.load(); });
    clock_.advance(10);
  }
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(submit(request(8, 4)).ok());
  EXPECT_EQ(scheduler.retry_after_s(), 40);  // half of six, at 3 in 40 s
}

TEST_F(Faults, DeadlinesEndWhatWaitsAndWhatRuns) {
  make({});
  Request hurried = request(8, 200);
  hurried.deadline_s = 5;
  const auto running = std::make_shared<test::Receiver>();
  ASSERT_TRUE(submit(hurried, running).ok());
  run_until([&] { return running->tokens.size() > 2; });
  clock_.set(4);
  const auto waiting = std::make_shared<test::Receiver>();
  hurried.deadline_s = 0.5;
  ASSERT_TRUE(submit(hurried, waiting).ok());
  clock_.set(6);
  scheduler_->step();
  for (const auto& receiver : {running, waiting}) {
    ASSERT_TRUE(receiver->has_ended);
    EXPECT_EQ(receiver->end.status.error().code, Code::Cancelled);
  }
  EXPECT_GT(running->end.usage.answer_tokens, 2);
  EXPECT_EQ(running->end.timings.time_to_first_token_s, 0);  // the clock stood
  EXPECT_FALSE(waiting->started.has_value());
}

TEST_F(Faults, ACancelledRequestIsGoneWithinAStep) {
  Scheduler& scheduler = make({});
  const auto running = std::make_shared<test::Receiver>(),
             waiting = std::make_shared<test::Receiver>();
  const auto first = submit(request(8, 200), running);
  run_until([&] { return running->tokens.size() > 2; });
  const auto second = submit(request(8, 200), waiting);
  scheduler.cancel(*first);
  scheduler.cancel(*second);
  scheduler.cancel(12345);  // nobody's
  const size_t before = running->tokens.size();
  scheduler.step();
  EXPECT_EQ(running->tokens.size(), before);
  for (const auto& receiver : {running, waiting}) {
    ASSERT_TRUE(receiver->has_ended);
    EXPECT_TRUE(receiver->end.status.ok());
    EXPECT_EQ(receiver->end.reason, StopReason::Cancelled);
  }
  scheduler.cancel(*first);  // again
  scheduler.step();
  const Snapshot snapshot = scheduler.snapshot();
  EXPECT_EQ(snapshot.finished, 2);
  EXPECT_EQ(snapshot.models[0].running + snapshot.models[0].waiting, 0);
  EXPECT_EQ(snapshot.tenants.at("t").running, 0);
}

TEST_F(Faults, AVectorThatIsGivenUpIsGoneWithinAStep) {
  Scheduler& scheduler = make({.step_tokens = 32});
  Request asked = request(200, 0);
  asked.embed = model::Pooling::Mean;
  const auto receiver = std::make_shared<test::Receiver>();
  const auto id = submit(asked, receiver);
  run_until([&] { return receiver->started.has_value(); });
  ASSERT_FALSE(receiver->has_ended);
  scheduler.cancel(*id);
  scheduler.step();
  ASSERT_TRUE(receiver->has_ended);
  EXPECT_TRUE(receiver->end.status.ok());
  EXPECT_EQ(receiver->end.reason, StopReason::Cancelled);
  const Snapshot snapshot = scheduler.snapshot();
  EXPECT_EQ(snapshot.models[0].pages_free, snapshot.models[0].pages_total);
  EXPECT_EQ(snapshot.models[0].running + snapshot.models[0].waiting, 0);
}

TEST_F(Faults, TheEndOfTheSchedulerEndsAllRequests) {
  make({});
  const auto a = std::make_shared<test::Receiver>(), b = std::make_shared<test::Receiver>();
  ASSERT_TRUE(submit(request(8, 200), a).ok());
  run_until([&] { return !a->tokens.empty(); });
  ASSERT_TRUE(submit(request(8, 200), b).ok());
  scheduler_.reset();
  for (const auto& receiver : {a, b}) {
    ASSERT_TRUE(receiver->has_ended);
    EXPECT_EQ(receiver->end.status.error().code, Code::Cancelled);
  }
}

TEST_F(Faults, TheObserverSeesEveryEnd) {
  int ends = 0;
  pool_.emplace(std::vector{served_}, clock_, ModelPoolOptions{});
  scheduler_.emplace(*pool_, clock_, SchedulerOptions{}, [&](const Request& asked, const End& end) {
    EXPECT_EQ(asked.tenant, "t");
    EXPECT_TRUE(end.status.ok());
    ++ends;
  });
  const auto receiver = std::make_shared<test::Receiver>();
  ASSERT_TRUE(submit(request(8, 3)).ok());
  ASSERT_TRUE(submit(request(9, 5), receiver).ok());
  run_until([&] { return receiver->has_ended.load(); });
  EXPECT_EQ(ends, 2);
}

// Clients on threads of their own submit, give up and look, while the engine runs on its.
TEST_F(Faults, ManyThreadsAtOnceLoseNothing) {
  pool_.emplace(std::vector{served_}, system_, ModelPoolOptions{.threads = 2});
  SchedulerOptions options{.max_waiting = 20, .verify = true};
  options.reserve_pages = 0;
  scheduler_.emplace(*pool_, system_, options);
  std::jthread engine([&](std::stop_token stop) { scheduler_->run(stop); });
  std::atomic<int> refused = 0, cancelled = 0;
  std::vector<std::shared_ptr<test::Receiver>> receivers[4];
  const auto client = [&](int index) {
    Rng rng(static_cast<uint64_t>(index));
    std::vector<RequestId> ids;
    while (receivers[index].size() < 25) {
      auto receiver = std::make_shared<test::Receiver>();
      const auto id = submit(request(1 + rng.below(150), 1 + rng.below(40),
                                     std::string(1, static_cast<char>('a' + index))),
                             receiver);
      if (!id) {
        EXPECT_EQ(id.error().code, Code::Busy);
        ++refused;
        std::this_thread::yield();
        continue;
      }
      receivers[index].push_back(receiver);
      ids.push_back(*id);
      if (rng.below(3) == 0) {
        scheduler_->cancel(ids[rng.below(static_cast<uint32_t>(ids.size()))]);
        ++cancelled;
      }
      EXPECT_LE(scheduler_->snapshot().models[0].running, 4);
    }
    for (const auto& receiver : receivers[index]) receiver->has_ended.wait(false);
  };
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 4; ++i) clients.emplace_back(client, i);
  }
  engine.request_stop();
  engine.join();
  const Snapshot end = scheduler_->snapshot();
  EXPECT_EQ(end.submitted, 100);
  EXPECT_EQ(end.finished, 100);
  EXPECT_EQ(end.failed, 0);
  EXPECT_EQ(end.refused, refused);
  EXPECT_GT(cancelled, 0);
  EXPECT_EQ(end.models[0].pages_free + end.models[0].pages_cached, end.models[0].pages_total);
}

}  // namespace
}  // namespace verge::serve
