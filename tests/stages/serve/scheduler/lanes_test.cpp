// Several models under one budget.

#include <thread>

#include <verge/stages/serve/scheduler/lanes.hpp>

#include "manual_clock.hpp"
#include "serving.hpp"
#include "tiny_model.hpp"

namespace verge::serve {
namespace {

class ManyModels : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = test::tiny_model(folder_);
    for (const char* name : {"a", "b", "c"}) {
      ServedModel model{.name = name, .path = path};
      model.load.context = 128;
      model.load.max_sequences = 4;
      model.load.kv_tokens = 512;
      served_.push_back(model);
    }
    need_ = (*read_face(served_[0]))->need.total();
  }

  Scheduler& make(int64_t models_at_once, double idle_s = 0, double model_turn_s = 10) {
    pool_.emplace(
        served_, clock_,
        ModelPoolOptions{
            .threads = 1, .memory_bytes = models_at_once * need_ + need_ / 2, .idle_s = idle_s});
    return scheduler_.emplace(*pool_, clock_,
                              SchedulerOptions{.model_turn_s = model_turn_s, .verify = true});
  }

  std::shared_ptr<test::Receiver> ask(const std::string& model, int64_t answer = 8) {
    Request request{.model = model, .prompt = {5, 6, 7, 8}};
    request.options.max_tokens = answer;
    request.options.ignore_end = true;
    request.options.sampling.temperature = 0;
    auto receiver = std::make_shared<test::Receiver>();
    const auto id = scheduler_->submit(request, receiver);
    EXPECT_TRUE(id.ok()) << id.error().message;
    if (id) last_id_ = *id;
    return receiver;
  }

  void run_until(const std::function<bool()>& done) {
    while (!done()) {
      if (!scheduler_->step()) std::this_thread::yield();
    }
  }

  LoadState state(size_t model) { return scheduler_->snapshot().models[model].state; }

  test::TemporaryFolder folder_;
  test::ManualClock clock_{0};
  std::vector<ServedModel> served_;
  int64_t need_ = 0;
  RequestId last_id_ = 0;
  std::optional<ModelPool> pool_;
  std::optional<Scheduler> scheduler_;
};

TEST_F(ManyModels, AreLoadedOnDemandAndPutOutForOthers) {
  make(2);
  for (const char* name : {"a", "b", "c"}) {
    const auto receiver = ask(name);
    run_until([&] { return receiver->has_ended.load(); });
    EXPECT_TRUE(receiver->end.status.ok());
    EXPECT_EQ(receiver->tokens.size(), 8u);
    clock_.advance(1);
  }
  EXPECT_EQ(state(0), LoadState::Unloaded);  // the least recently used
  EXPECT_EQ(state(1), LoadState::Ready);
  EXPECT_EQ(state(2), LoadState::Ready);
}

TEST_F(ManyModels, LeaveOnRequestOnceNobodyUsesThem) {
  make(2);
  std::vector<Code> refusals;
  int done = 0;
  const auto told = [&](const Status& status) {
    status ? static_cast<void>(++done) : refusals.push_back(status.error().code);
  };
  const auto receiver = ask("a");
  run_until([&] { return receiver->started.has_value(); });
  scheduler_->unload("a", told);
  scheduler_->unload("nobody", told);
  run_until([&] { return receiver->has_ended.load(); });
  EXPECT_EQ(refusals, (std::vector<Code>{Code::Conflict, Code::NotFound}));
  EXPECT_EQ(receiver->tokens.size(), 8u);
  scheduler_->unload("a", told);
  run_until([&] { return done == 1; });
  EXPECT_EQ(state(0), LoadState::Unloaded);
  const auto again = ask("a");
  run_until([&] { return again->has_ended.load(); });
  EXPECT_EQ(again->tokens, receiver->tokens);
}

TEST_F(ManyModels, RunInTurn) {
  make(3);
  const auto a = ask("a", 60), b = ask("b", 60);
  run_until([&] { return !a->tokens.empty() && !b->tokens.empty(); });
  const size_t ahead = std::max(a->tokens.size(), b->tokens.size());
  const size_t behind = std::min(a->tokens.size(), b->tokens.size());
  run_until([&] { return a->has_ended || b->has_ended; });
  // With a clock that stands both have had no time at all, so the order decides; both end.
  run_until([&] { return a->has_ended && b->has_ended; });
  EXPECT_GE(ahead, behind);
  EXPECT_EQ(a->tokens, b->tokens);
}

TEST_F(ManyModels, OneThatIsBusyStaysUntilItsTurnIsOver) {
  make(1, 0, 5);
  const auto a = ask("a", 100);
  run_until([&] { return !a->tokens.empty(); });
  const auto b = ask("b");
  for (int i = 0; i < 3; ++i) scheduler_->step();
  EXPECT_EQ(state(0), LoadState::Ready);
  EXPECT_EQ(state(1), LoadState::Unloaded);
  clock_.set(6);
  scheduler_->step();
  const auto late = ask("a");  // waits: its model finishes what it has begun, and leaves
  run_until([&] { return b->has_ended.load(); });
  EXPECT_TRUE(a->has_ended);
  EXPECT_EQ(a->tokens.size(), 100u);
  EXPECT_FALSE(late->has_ended);
  run_until([&] { return late->has_ended.load(); });
  EXPECT_TRUE(late->end.status.ok());
}

TEST_F(ManyModels, OneStaysWhenNobodyWantsItsRoomAnyMore) {
  make(1, 0, 5);
  const auto a = ask("a", 100);
  run_until([&] { return !a->tokens.empty(); });
  const auto b = ask("b");
  const RequestId given_up = last_id_;
  scheduler_->step();
  clock_.set(6);
  scheduler_->step();  // a is to leave
  const auto late = ask("a");
  for (int i = 0; i < 3; ++i) scheduler_->step();
  EXPECT_FALSE(late->started.has_value());
  scheduler_->cancel(given_up);
  for (int i = 0; i < 1000 && !late->has_ended; ++i) scheduler_->step();
  ASSERT_TRUE(late->has_ended);
  EXPECT_TRUE(late->end.status.ok());
  EXPECT_TRUE(b->has_ended);
  EXPECT_EQ(state(0), LoadState::Ready);
}

TEST_F(ManyModels, IdleOnesAreForgotten) {
  make(3, 30);
  const auto a = ask("a");
  run_until([&] { return a->has_ended.load(); });
  clock_.set(29);
  scheduler_->step();
  EXPECT_EQ(state(0), LoadState::Ready);
  clock_.set(31);
  scheduler_->step();
  EXPECT_EQ(state(0), LoadState::Unloaded);
  const auto again = ask("a");
  run_until([&] { return again->has_ended.load(); });
  EXPECT_EQ(again->tokens, a->tokens);
}

TEST_F(ManyModels, ABugEndsTheRequestsOfItsModelAlone) {
  make(3);
  const auto a = ask("a", 60), b = ask("b", 60);
  run_until([&] { return !a->tokens.empty(); });
  ASSERT_TRUE(pool_->loaded("a")->model->decoder().pool.allocate().ok());  // nobody's page
  run_until([&] { return a->has_ended && b->has_ended; });
  ASSERT_FALSE(a->end.status.ok());
  EXPECT_EQ(a->end.status.error().code, Code::Internal);
  EXPECT_TRUE(b->end.status.ok());
  EXPECT_EQ(b->tokens.size(), 60u);
  const auto again = ask("a");
  run_until([&] { return again->has_ended.load(); });
  EXPECT_TRUE(again->end.status.ok()) << again->end.status.error().message;
}

TEST_F(ManyModels, AFailedLoadAnswersThoseWhoWait) {
  make(3);
  const auto first = ask("a"), second = ask("b");  // of the same file
  std::filesystem::remove(served_[0].path);
  run_until([&] { return first->has_ended && second->has_ended; });
  for (const auto& receiver : {first, second}) {
    EXPECT_EQ(receiver->end.status.error().code, Code::NotFound);
  }
}

}  // namespace
}  // namespace verge::serve
