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
#include <verge/stages/serve/scheduler/cancellations.hpp>
#include <verge/stages/serve/scheduler/fair_share.hpp>
#include <verge/stages/serve/scheduler/prefix_cache.hpp>
#include <verge/stages/serve/scheduler/task.hpp>

namespace verge::serve {

/// In order of arrival.
using Tasks = std::vector<std::unique_ptr<Task>>;

struct BatchOptions {
  int64_t step_tokens = 512;
  int64_t reserve_pages = 2;
  double ageing_s = 5;
  std::map<std::string, double> tenant_weights = {};
  bool share_prefixes = true;
  bool verify = false;  // check_pages after each step
};

/// Who was served what: of all models together.
struct Accounts {
  FairShare fair;
  std::map<std::string, TenantSnapshot> tenants;
};

/// What a step needs of its surroundings.
struct StepContext {
  Accounts& accounts;
  const EndObserver& observer;
  Cancellations& cancellations;
  bool admits = true;  // false: only what runs goes on
};

/// The engine's thread. The tasks' sequences and spills must be gone before it.
class Batch {
 public:
  Batch(model::LanguageModel& model, ThreadPool& pool, const Clock& clock, BatchOptions options,
        SpillStore& spills);

  /// Fails with Unsupported for a decoder whose steps are too small to cut prompts in, Conflict for
  /// one that holds less than its face says.
  static Status check(const runtime::Decoder& decoder, const ModelFace& face);

  /// One run over some of the tasks. False when none could do anything.
  bool step(Tasks& tasks, const StepContext& context);

  /// prefix_file.hpp, for this model.
  Status save_prompts(const std::string& folder, int64_t most_bytes) const;
  Status load_prompts(const std::string& folder);

  /// Fills in what is counted here.
  void describe(ModelSnapshot& snapshot) const;
  /// Every page's users are the sequences and the cache, no page is twice in a sequence, and every
  /// position of a sequence has its place: VERGE_CHECK.
  void check_pages(const Tasks& tasks) const;

 private:
  struct Item {
    Task* task;
    int64_t tokens;
  };
  using Items = std::vector<Item>;

  PolicyState observe(Tasks& tasks, const StepContext& context, double now_s);
  Candidate candidate_of(Task& task);
  void mark_waiting_for_prefix(PolicyState& state, const Tasks& tasks) const;
  std::span<const uint64_t> adoptable(const Task& task) const;
  uint64_t seed_of(const Task& task) const;
  void preempt(Task& task);
  void admit(Task& task, const StepContext& context, double now_s);
  void resume(Task& task);
  void adopt_prefix(Task& task);
  void make_room(int64_t pages);
  int64_t pages_for(int64_t tokens) const;
  Task* next_to_embed(const Tasks& tasks, const StepContext& context) const;
  bool embed_one(const Tasks& tasks, const StepContext& context);
  void clear_pages(const Tasks& tasks, int64_t pages);
  Items items_of(const StepPlan& plan, const PolicyState& state);
  void run(std::span<const Item> items, const StepContext& context);
  Status try_run(std::span<const Item> items, const StepContext& context);
  void count(std::span<const Item> items, const StepContext& context);
  void publish(const Task& task);
  void draw(std::span<const Item> items, const StepContext& context);
  void end(Task& task, const Status& status, const StepContext& context);
  void hand_over(Task& task, const Result<Piece>& piece, const StepContext& context);

  model::LanguageModel& model_;
  runtime::Decoder& decoder_;
  ThreadPool& pool_;
  const Clock& clock_;
  BatchOptions options_;
  SpillStore& spills_;
  PrefixCache cache_;
  std::map<RequestId, Task*> by_id_;  // of the step at hand
  std::map<int, double> admitted_s_;  // by priority
  ModelSnapshot counters_;
};

}  // namespace verge::serve
