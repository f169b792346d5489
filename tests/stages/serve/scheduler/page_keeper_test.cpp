#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/scheduler/page_keeper.hpp>

#include "serving.hpp"
#include "tiny_models.hpp"

namespace verge::serve {
namespace {

class Keeper : public testing::Test {
 protected:
  void SetUp() override {
    served_ = {.name = "m", .path = test::write_model(folder_, test::tiny_spec("tiny-llama"))};
    served_.load.context = 128;
    served_.load.max_sequences = 4;
    served_.load.kv_tokens = 256;  // 8 pages
    auto face = read_face(served_);
    ASSERT_TRUE(face.ok()) << face.error().message;
    face_ = *face;
    model_ = test::load_model(served_.path, pool_, served_.load);
    ASSERT_NE(model_, nullptr);
    keeper_.emplace(model_->decoder(), spills_, true);
  }
  void TearDown() override { tasks_.clear(); }

  Task& add(int64_t prompt, int32_t first = 10) {
    Request request{.model = "m"};
    for (int64_t i = 0; i < prompt; ++i) request.prompt.push_back(first + static_cast<int32_t>(i));
    auto task = make_task(request, std::make_shared<test::Receiver>(), face_);
    EXPECT_TRUE(task.ok()) << task.error().message;
    (*task)->id = tasks_.size() + 1;
    tasks_.push_back(std::move(*task));
    return *tasks_.back();
  }

  Candidate described(Task& task) {
    Candidate candidate;
    keeper_->describe(task, candidate);
    return candidate;
  }

  // As a step would: the prompt up to `length`.
  void run(Task& task, int64_t length) {
    if (!task.sequence) {
      described(task);
      keeper_->start(task);
      task.phase = Phase::Running;
    }
    const auto fresh = std::span<const int32_t>(task.feed)
                           .first(static_cast<size_t>(length))
                           .subspan(static_cast<size_t>(task.length()));
    const runtime::StepItem item{&*task.sequence, fresh};
    const Status status = runtime::run_step(model_->decoder(), {&item, 1});
    ASSERT_TRUE(status.ok()) << status.error().message;
    keeper_->publish(task);
    keeper_->check(tasks_);
  }

  test::TemporaryFolder folder_;
  ServedModel served_;
  ThreadPool pool_{1};
  std::shared_ptr<const ModelFace> face_;
  std::unique_ptr<model::LanguageModel> model_;
  SpillStore spills_{int64_t{1} << 30, ""};
  std::optional<PageKeeper> keeper_;
  Tasks tasks_;
};

TEST_F(Keeper, SaysWhoHasWhat) {
  Task& a = add(100);
  run(a, 100);
  EXPECT_EQ(described(a).exclusive, 4);  // three kept for others, but run on by nobody else
  EXPECT_EQ(keeper_->available(), 4);
  Task& b = add(100);
  const Candidate waiting = described(b);
  EXPECT_EQ(waiting.length, waiting.shared * 32);
  EXPECT_GE(waiting.shared, 2);
  run(b, 100);
  EXPECT_EQ(described(a).exclusive, 4 - waiting.shared);
  a.sequence.reset();
  b.sequence.reset();
  EXPECT_EQ(keeper_->available(), 8);
}

TEST_F(Keeper, WhoNeedsAPageThatIsBeingFilledWaits) {
  Task& a = add(100);
  run(a, 32);
  add(100);
  add(100, 300);
  std::vector<Candidate> candidates(2);
  for (size_t i = 0; i < 2; ++i) keeper_->describe(*tasks_[i + 1], candidates[i]);
  keeper_->mark_waiting_for_prefix(candidates, tasks_);
  EXPECT_TRUE(candidates[0].waits_for_prefix);
  EXPECT_FALSE(candidates[1].waits_for_prefix);
  run(a, 100);
  candidates[0] = {};
  keeper_->describe(*tasks_[1], candidates[0]);
  keeper_->mark_waiting_for_prefix(candidates, tasks_);
  EXPECT_FALSE(candidates[0].waits_for_prefix);
}

TEST_F(Keeper, WhatIsPutAsideComesBack) {
  Task& a = add(70);
  run(a, 70);
  keeper_->put_aside(a);
  EXPECT_EQ(a.phase, Phase::Preempted);
  EXPECT_EQ(described(a).length, 70);
  keeper_->start(a);
  EXPECT_EQ(a.length(), 70);
  keeper_->check(tasks_);
}

TEST_F(Keeper, APageThatNobodyHasIsABug) {
  run(add(40), 40);
  const int32_t page = *model_->decoder().pool.allocate();
  EXPECT_THROW(keeper_->check(tasks_), InternalError);
  model_->decoder().pool.release(page);
  keeper_->check(tasks_);
}

}  // namespace
}  // namespace verge::serve
