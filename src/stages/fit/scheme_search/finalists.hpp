#pragma once
// Finalists: the last round of a search. Gains of single tensors after a few steps, added up, do
// not foretell what a scheme reaches, so the schemes that promise most and the plain ones beside
// them are fine-tuned on the proxy task, for longer, and what they reach decides.

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <verge/stages/fit/scheme_search/proxy_task.hpp>

namespace verge::fit {

/// Each is tried at the analysis' rate times these: few parameters want a larger one than many.
inline constexpr double kFinalRates[] = {1.0 / 3, 1, 3};

/// The score of a fine-tuning whose values became no numbers.
inline constexpr double kDiverged = -1e9;

struct Finalist {
  std::string name = {};  // "searched 1", "last:3", "bias", ...
  nn::UpdateScheme scheme = {};
  std::optional<double> predicted = {};  // of searched ones
  std::vector<double> scores = {};       // measured, of each seed: accuracy, or minus the loss
  double learning_rate = 0;              // that it was measured at: the best with the first seed
  int64_t parameters = 0;
  TrainingMemory memory = {};
  TrainingWork work = {};
  double step_ms = 0;      // measured here
  bool is_in_time = true;  // step_ms is within the limit, if there is one

  double score() const;  // the mean
  bool has_diverged() const { return std::ranges::find(scores, kDiverged) != scores.end(); }
};

/// The best candidate of each depth (SearchSpace::first_block), at most `count`, the most promising
/// first. What updates more than it may, and the head alone, is none.
std::vector<ScoredGenome> best_of_depths(const SearchSpace& space,
                                         const std::vector<ScoredGenome>& ranked, size_t count);

/// "full", or else "last:K" of the deepest K, "bias" and "head": those that fit, 0 for whatever
/// they take, and whose plan is accepted.
Result<std::vector<Finalist>> plain_schemes(const ProxyTask& task, int64_t memory_bytes,
                                            const std::function<bool(const TrainingPlan&)>& accept);

/// Measures each, and puts the best first. What is in `known` is not measured again; `keep` is
/// called after each measurement. False where it was cancelled.
Result<bool> compare_finalists(ProxyTask& task, const SearchOptions& options,
                               std::map<std::string, double>& known,
                               std::vector<Finalist>& finalists,
                               const std::function<Status()>& keep,
                               const std::function<void(size_t done, size_t all)>& on_progress,
                               const std::atomic<bool>* cancel);

/// Of a score, of all finalists together, by what is left of their differences when the mean of
/// each finalist and that of each seed are taken out: a seed that is easy for all tells none apart.
/// Without those that diverged; 0 of one seed or one finalist.
double standard_error(const std::vector<Finalist>& finalists);

/// Those in time first, by their scores; of equals the one that takes less memory. First of all the
/// one that updates most parameters of those within a standard error of the best, where neither
/// diverged: another task may need more to change than the proxy did, and the limits allow it.
void put_best_first(std::vector<Finalist>& finalists);

}  // namespace verge::fit
