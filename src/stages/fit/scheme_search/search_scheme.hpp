#pragma once
// search_scheme: the scheme that does best on a proxy task within a memory and a time of a step.
// Contributions are measured and added up, the best sums are looked for, and the best of those and
// the plain schemes are fine-tuned for real (finalists.hpp). Stopped, it keeps what it measured and
// goes on when called again.

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include <verge/core/clock.hpp>
#include <verge/stages/fit/scheme_search/finalists.hpp>

namespace verge::fit {

struct SearchProgress {
  std::string phase = {};  // "analysis", "evolution", "finals"
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
  std::vector<Finalist> finalists = {};  // the first is the one chosen; none where it is by sums
  std::string by = {};                   // of search_known: what decided
  TrainingMemory memory = {};  // of kernels by rule; those that `compile` times may take more
  TrainingWork work = {};
  double step_ms = 0;  // predicted, where it was asked for
};

/// Fails as tune does, with InvalidArgument without a budget, and with OutOfMemory where not even
/// the head fits, naming what it takes.
Result<SearchResult> search_scheme(
    const SearchOptions& options, ThreadPool& pool, const Clock& clock,
    const std::function<void(const SearchProgress&)>& on_progress = {},
    const std::atomic<bool>* cancel = nullptr);

/// The same by what options.cache has of an earlier search of the model, whatever its task, without
/// measuring anything; of the options evolution and plan count as well. The best that fits of the
/// finalists of the smallest budget that is not below this one; the best sum of contributions where
/// no budget was as large, or where none of its finalists fits but a head that did not win there.
/// None where contributions are missing or were stopped before their end.
Result<std::optional<SearchResult>> search_known(
    const BaseModel& base, const SearchOptions& options, ThreadPool& pool,
    const std::function<void(const SearchProgress&)>& on_progress = {},
    const std::atomic<bool>* cancel = nullptr);

}  // namespace verge::fit
