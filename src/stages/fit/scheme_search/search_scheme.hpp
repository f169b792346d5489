#pragma once
// search_scheme: the scheme that promises most on a task like the proxy task, within a memory and a
// time of a step. Stopped, the analysis keeps what it measured and goes on when called again.

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include <verge/core/clock.hpp>
#include <verge/stages/fit/scheme_search/evolution.hpp>
#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::fit {

struct SearchOptions {
  std::string model = {};
  DataOptions data = {};     // the proxy task; the final task should be another
  PlanOptions plan = {};     // memory_bytes: the budget; must be above 0
  double step_ms = 0;        // most of a step; 0: any
  int64_t steps = 60;        // of each fine-tuning of the analysis
  double learning_rate = 0;  // 0: as tune
  bool has_new_head = false;
  EvolutionOptions evolution = {};
  std::string cache = {};  // what was measured, JSON
};

struct SearchProgress {
  std::string phase = {};  // "analysis", "evolution"
  size_t done = 0, all = 0;
  double best = 0;  // predicted, in evolution
};

struct SearchResult {
  bool finished = false;  // false: stopped
  nn::UpdateScheme scheme = {};
  std::string model_hash = {};
  double head_score = 0, predicted = 0;  // accuracy, or minus the loss of language models
  size_t measured = 0;                   // fine-tunings of the analysis
  size_t planned = 0;                    // candidates that the planner costed
  TrainingMemory memory = {};
  TrainingWork work = {};
  double step_ms = 0;  // predicted, where it was asked for
};

/// Fails as tune does, with InvalidArgument without a budget, and with OutOfMemory where not even
/// the head fits, naming what it takes.
Result<SearchResult> search_scheme(
    const SearchOptions& options, ThreadPool& pool, const Clock& clock,
    const std::function<void(const SearchProgress&)>& on_progress = {},
    const std::atomic<bool>* cancel = nullptr);

/// The same by what options.cache has of an earlier analysis of the model, whatever its task,
/// without measuring anything; of the options evolution and plan count as well. None where that is
/// missing or was stopped before its end.
Result<std::optional<SearchResult>> search_known(
    const BaseModel& base, const SearchOptions& options, ThreadPool& pool,
    const std::function<void(const SearchProgress&)>& on_progress = {},
    const std::atomic<bool>* cancel = nullptr);

}  // namespace verge::fit
