#pragma once
// Batch: one loaded model and the requests that run on it, step by step. It sees what there is,
// asks the policy (policy.hpp) what to do, does it, and hands the results over.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <verge/core/threads.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/scheduler/batch_drafts.hpp>
#include <verge/stages/serve/scheduler/page_keeper.hpp>
#include <verge/stages/serve/scheduler/task_runner.hpp>

namespace verge::serve {

struct BatchOptions {
  int64_t step_tokens = 512;
  int64_t reserve_pages = 2;
  double ageing_s = 5;
  bool share_prefixes = true;
  BatchDraftOptions drafts = {};
  bool verify = false;  // PageKeeper::check after each step
};

/// The engine's thread. The tasks' sequences and spills must be gone before it.
class Batch : public TaskRunner {
 public:
  Batch(model::LanguageModel& model, ThreadPool& pool, const Clock& clock, BatchOptions options,
        SpillStore& spills, ProposerFactory proposers = {});

  /// Fails with Unsupported for a decoder whose steps are too small to cut prompts in, Conflict for
  /// one that holds less than its face says.
  static Status check(const runtime::Decoder& decoder, const ModelFace& face);

  /// One run over some of the tasks. False when none could do anything.
  bool step(Tasks& tasks, const StepContext& context) override;

  void describe(ModelSnapshot& snapshot) const override;
  Status keep_prompts(const std::string& folder, int64_t most_bytes) override {
    return pages_.save(folder, most_bytes);
  }
  Status fetch_prompts(const std::string& folder) override { return pages_.load(folder); }
  PageKeeper& pages() { return pages_; }

 private:
  using Item = BatchItem;
  using Items = std::vector<Item>;

  PolicyState observe(Tasks& tasks, const StepContext& context, double now_s);
  void admit(Task& task, const StepContext& context, double now_s);
  void forget_rows(Task& task) const;
  void note_chunk(Task& task, int64_t tokens) const;
  void run_again(Task& task, const StepContext& context) const;
  Items items_of(const StepPlan& plan, const PolicyState& state);
  void run_all(std::span<Item> items, const StepContext& context);
  void make_drafts(std::span<Item> items, const StepContext& context);
  void run(std::span<Item> items, const StepContext& context);
  Status try_run(std::span<const Item> items, const StepContext& context);
  std::vector<Result<Drawn>> take_rows(std::span<const Item> items);
  void take(Item& item, const Result<Drawn>& drawn, const StepContext& context);
  void count(const Task& task, int64_t tokens, const StepContext& context);
  void end(Task& task, const Status& status, const StepContext& context);
  void hand_over(Task& task, const Result<Drawn>& drawn, const StepContext& context);

  model::LanguageModel& model_;
  runtime::Decoder& decoder_;
  ThreadPool& pool_;
  const Clock& clock_;
  BatchOptions options_;
  PageKeeper pages_;
  BatchDrafts drafts_;
  std::map<RequestId, Task*> by_id_;  // of the step at hand
  std::map<int, double> admitted_s_;  // by priority
  ModelSnapshot counters_;
};

}  // namespace verge::serve
