#pragma once
// TaskRunner: what runs the requests of one loaded model, step by step: a Batch, or what a
// ServedModel brings in its place, as for a model that answers together with a server
// (stages/serve/collab). Queue, cancellation, deadlines and accounts are the scheduler's either
// way.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <verge/stages/serve/scheduler/cancellations.hpp>
#include <verge/stages/serve/scheduler/fair_share.hpp>
#include <verge/stages/serve/scheduler/model_pool.hpp>
#include <verge/stages/serve/scheduler/task.hpp>

namespace verge::serve {

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
  bool admits = true;  // false: only what has begun goes on
};

/// The engine's thread.
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  /// Some work on some of the tasks; false when none could do anything. Tasks may have ended since
  /// the last step, or be gone.
  virtual bool step(Tasks& tasks, const StepContext& context) = 0;
  /// Fills in what is counted here.
  virtual void describe(ModelSnapshot& snapshot) const = 0;
  /// Computed prompts, to outlive the runner. NotFound where nothing was kept.
  virtual Status keep_prompts(const std::string& folder, int64_t most_bytes) = 0;
  virtual Status fetch_prompts(const std::string& folder) = 0;
};

/// How a model is run, where that is not by a Batch. Any thread.
class RunnerKind {
 public:
  virtual ~RunnerKind() = default;
  /// At submission. Fails with InvalidArgument for what it cannot do, naming field and remedy.
  virtual Status check(const Request& request) const = 0;
  /// Once the model is loaded; on the engine's thread. `warn`: of what goes wrong without harm.
  virtual Result<std::unique_ptr<TaskRunner>> make(
      LoadedModel& loaded, const Clock& clock,
      const std::function<void(const Error&)>& warn) const = 0;
};

}  // namespace verge::serve
