#include <verge/core/clock.hpp>
#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/scheduler/batch_drafts.hpp>

#include "guesses.hpp"
#include "serving.hpp"
#include "tiny_models.hpp"

namespace verge::serve {
namespace {

class Drafts : public testing::Test {
 protected:
  void SetUp() override {
    ServedModel served{.name = "m",
                       .path = test::write_model(folder_, test::tiny_spec("tiny-llama"))};
    served.load.context = 128;
    served.load.max_sequences = 4;
    served.load.max_outputs = 16;
    served.load.kv_tokens = 512;
    auto face = read_face(served);
    ASSERT_TRUE(face.ok()) << face.error().message;
    face_ = *face;
    model_ = test::load_model(served.path, pool_, served.load);
    ASSERT_NE(model_, nullptr);
  }

  // An answer that has begun with token 100.
  Task& running(int64_t max_tokens) {
    Request request{.model = "m", .prompt = {5, 6, 7}};
    request.options.max_tokens = max_tokens;
    request.options.sampling.temperature = 0;
    tasks_.push_back(std::move(*make_task(request, std::make_shared<test::Receiver>(), face_)));
    Task& task = *tasks_.back();
    task.id = tasks_.size();
    task.phase = Phase::Running;
    task.sequence.emplace(model_->decoder());
    const runtime::StepItem item{&*task.sequence, task.feed, 0};
    EXPECT_TRUE(runtime::run_step(model_->decoder(), {&item, 1}).ok());
    std::vector<float> logits(512);
    logits[100] = 9;
    EXPECT_TRUE(deliver(task, *task.answer.draw(logits), 0).ok());
    by_id_[task.id] = &task;
    return task;
  }

  std::vector<int64_t> decided(BatchDrafts& drafts) {
    std::vector<Candidate> candidates;
    for (const auto& task : tasks_) candidates.push_back({.id = task->id, .phase = task->phase});
    drafts.decide(candidates, by_id_);
    std::vector<int64_t> counts;
    for (const Candidate& candidate : candidates) counts.push_back(candidate.drafts);
    return counts;
  }

  BatchDrafts with(const test::Guesses& guesses) {
    return {test::told(guesses), {.always = true}, model_->decoder(), clock_};
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
  SystemClock clock_;
  std::shared_ptr<const ModelFace> face_;
  std::unique_ptr<model::LanguageModel> model_;
  Tasks tasks_;
  std::map<RequestId, Task*> by_id_;
};

TEST_F(Drafts, AreForThoseWhoDrawNext) {
  const test::Guesses guesses;
  BatchDrafts drafts = with(guesses);
  running(50);
  running(3);  // one drawn: a draft, and what follows it
  running(1 + 1);
  running(50).phase = Phase::Preempted;
  running(50).feed.push_back(9);  // is computed again, and not at its end yet
  const int64_t most = most_draft(model_->decoder());
  EXPECT_EQ(decided(drafts), (std::vector<int64_t>{std::min<int64_t>(most, 8), 1, 0, 0, 0}));
}

TEST_F(Drafts, WithoutAProposerThereAreNone) {
  BatchDrafts drafts({}, {.always = true}, model_->decoder(), clock_);
  running(50);
  EXPECT_EQ(decided(drafts), std::vector<int64_t>{0});
}

TEST_F(Drafts, FollowTheNewestToken) {
  const test::Guesses guesses = {{100, 41}, {41, 42}, {42, 43}};
  BatchDrafts drafts = with(guesses);
  std::vector<BatchItem> items = {
      {.task = &running(50), .tokens = 1, .drafts = 2, .ends = true, .draws = true},
      {.task = &running(50), .tokens = 1, .drafts = 0, .ends = true, .draws = true}};
  decided(drafts);
  drafts.make(items, nullptr);
  EXPECT_EQ(items[0].draft.tokens, (std::vector<int32_t>{41, 42}));
  EXPECT_EQ(std::vector(items[0].run().begin(), items[0].run().end()),
            (std::vector<int32_t>{100, 41, 42}));
  EXPECT_EQ(items[0].rows(), 3);
  EXPECT_EQ(items[1].run().size(), 1u);
  EXPECT_EQ(items[1].rows(), 1);
  items[0].kept = 1;
  drafts.observe(items, 1e-3);
  EXPECT_EQ(drafts.draft_tokens(), 2);
  EXPECT_EQ(drafts.accepted_tokens(), 1);
  EXPECT_EQ(tasks_[0]->drafts.plain_steps, 0);
  EXPECT_EQ(tasks_[1]->drafts.plain_steps, 1);
  items[0].drop_draft();
  EXPECT_EQ(items[0].run().size(), 1u);
}

TEST_F(Drafts, ABugInAGuessCostsTheGuess) {
  const test::Guesses guesses = {{100, 0}};
  BatchDrafts drafts = with(guesses);
  std::vector<BatchItem> items = {
      {.task = &running(50), .tokens = 1, .drafts = 2, .ends = true, .draws = true}};
  decided(drafts);
  drafts.make(items, nullptr);
  EXPECT_TRUE(items[0].draft.tokens.empty());
  EXPECT_EQ(items[0].run().size(), 1u);
}

}  // namespace
}  // namespace verge::serve
