#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include <verge/core/checksum.hpp>
#include <verge/stages/fit/scheme_search/finalists.hpp>
#include <verge/stages/fit/tune/scheme_file.hpp>

namespace verge::fit {
namespace {

std::string last(size_t blocks) {
  return fmt::format("last:{}", blocks);
}

Result<size_t> most_blocks(const graph::Graph& graph) {
  for (size_t blocks = 0;; ++blocks) {
    VERGE_TRY(const nn::UpdateScheme scheme, nn::preset_scheme(last(blocks), graph));
    VERGE_TRY(const nn::UpdateScheme more, nn::preset_scheme(last(blocks + 1), graph));
    if (scheme == more) return blocks;
  }
}

Result<std::optional<Finalist>> plain(const ProxyTask& task, const std::string& name,
                                      int64_t memory_bytes,
                                      const std::function<bool(const TrainingPlan&)>& accept) {
  VERGE_TRY(nn::UpdateScheme scheme, nn::preset_scheme(name, task.base().graph));
  const auto plan = task.plan(scheme, memory_bytes);
  if (!plan && plan.error().code != Code::OutOfMemory) return plan.error();
  if (!plan || !accept(*plan)) return std::optional<Finalist>();
  return std::optional(Finalist{.name = name, .scheme = std::move(scheme)});
}

class Comparison {
 public:
  Comparison(ProxyTask& task, const SearchOptions& options, std::map<std::string, double>& known,
             const std::function<Status()>& keep)
      : task_(task), options_(options), known_(known), keep_(keep) {}

  Result<double> score(const Finalist& finalist, double learning_rate, uint64_t seed) {
    const std::string key = this->key(finalist, learning_rate, seed);
    if (const auto at = known_.find(key); at != known_.end()) return at->second;
    const auto score = task_.score(finalist.scheme, {options_.final_steps(), learning_rate, seed});
    if (!score && score.error().code != Code::Malformed) return score.error();
    known_[key] = score ? *score : kDiverged;
    VERGE_RETURN_IF_ERROR(keep_());
    return known_[key];
  }

 private:
  std::string key(const Finalist& finalist, double learning_rate, uint64_t seed) const {
    const std::string scheme = print_scheme({"", finalist.scheme});
    return fmt::format("scheme {:016x} steps {} lr {} seed {}",
                       checksum(std::as_bytes(std::span(scheme))), options_.final_steps(),
                       learning_rate, seed);
  }

  ProxyTask& task_;
  const SearchOptions& options_;
  std::map<std::string, double>& known_;
  const std::function<Status()>& keep_;
};

}  // namespace

double Finalist::score() const {
  return std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
}

std::vector<ScoredGenome> best_of_depths(const SearchSpace& space,
                                         const std::vector<ScoredGenome>& ranked, size_t count) {
  std::vector<ScoredGenome> best;
  std::set<size_t> depths = {space.blocks()};
  for (const ScoredGenome& candidate : ranked) {
    if (best.size() == count || candidate.fitness <= kUnfit) break;
    if (depths.insert(space.first_block(candidate.genome)).second) best.push_back(candidate);
  }
  return best;
}

Result<std::vector<Finalist>> plain_schemes(
    const ProxyTask& task, int64_t memory_bytes,
    const std::function<bool(const TrainingPlan&)>& accept) {
  std::vector<Finalist> schemes;
  const auto add = [&](const std::string& name) -> Result<bool> {
    VERGE_TRY(std::optional<Finalist> found, plain(task, name, memory_bytes, accept));
    if (found) schemes.push_back(std::move(*found));
    return found.has_value();
  };
  VERGE_TRY(bool has_richest, add("full"));
  VERGE_TRY(const size_t most, most_blocks(task.base().graph));
  for (size_t blocks = most; blocks > 0 && !has_richest; --blocks) {
    VERGE_TRY(has_richest, add(last(blocks)));
  }
  for (const char* name : {"bias", "head"}) VERGE_RETURN_IF_ERROR(add(name));
  return schemes;
}

Result<bool> compare_finalists(ProxyTask& task, const SearchOptions& options,
                               std::map<std::string, double>& known,
                               std::vector<Finalist>& finalists,
                               const std::function<Status()>& keep,
                               const std::function<void(size_t done, size_t all)>& on_progress,
                               const std::atomic<bool>* cancel) {
  Comparison comparison(task, options, known, keep);
  const auto seeds = static_cast<size_t>(options.finals.seeds);
  const size_t all = finalists.size() * (std::size(kFinalRates) + seeds - 1);
  size_t done = 0;
  const auto is_stopped = [&] { return cancel != nullptr && cancel->load(); };
  for (Finalist& finalist : finalists) {
    finalist.scores = {-std::numeric_limits<double>::infinity()};
    for (const double factor : kFinalRates) {
      if (is_stopped()) return false;
      const double rate = factor * task.learning_rate();
      VERGE_TRY(const double score, comparison.score(finalist, rate, options.data.seed));
      if (score > finalist.scores[0]) {
        finalist.scores[0] = score;
        finalist.learning_rate = rate;
      }
      if (on_progress) on_progress(++done, all);
    }
  }
  for (size_t seed = 1; seed < seeds; ++seed) {
    for (Finalist& finalist : finalists) {
      if (is_stopped()) return false;
      VERGE_TRY(const double score,
                comparison.score(finalist, finalist.learning_rate, options.data.seed + seed));
      finalist.scores.push_back(score);
      if (on_progress) on_progress(++done, all);
    }
  }
  put_best_first(finalists);
  return true;
}

double standard_error(const std::vector<Finalist>& finalists) {
  std::vector<const Finalist*> sound;
  for (const Finalist& finalist : finalists) {
    if (!finalist.has_diverged()) sound.push_back(&finalist);
  }
  const size_t seeds = sound.empty() ? 0 : sound[0]->scores.size();
  if (sound.size() < 2 || seeds < 2) return 0;
  std::vector<double> of_seeds(seeds);  // what each seed adds to every finalist
  for (size_t seed = 0; seed < seeds; ++seed) {
    for (const Finalist* finalist : sound) {
      of_seeds[seed] += finalist->scores[seed] - finalist->score();
    }
    of_seeds[seed] /= static_cast<double>(sound.size());
  }
  double squares = 0;
  for (const Finalist* finalist : sound) {
    for (size_t seed = 0; seed < seeds; ++seed) {
      const double left = finalist->scores[seed] - finalist->score() - of_seeds[seed];
      squares += left * left;
    }
  }
  const auto freedom = static_cast<double>((sound.size() - 1) * (seeds - 1));
  return std::sqrt(squares / freedom / static_cast<double>(seeds));
}

void put_best_first(std::vector<Finalist>& finalists) {
  std::ranges::stable_sort(finalists, [](const Finalist& a, const Finalist& b) {
    if (a.is_in_time != b.is_in_time) return a.is_in_time;
    if (a.score() != b.score()) return a.score() > b.score();
    return a.memory.total() < b.memory.total();
  });
  if (finalists.empty()) return;
  const double least = finalists[0].score() - standard_error(finalists);
  const auto behind = std::ranges::find_if(finalists, [&](const Finalist& finalist) {
    return finalist.score() < least || finalist.has_diverged() ||
           finalist.is_in_time != finalists[0].is_in_time;
  });
  if (behind == finalists.begin()) return;
  const auto richest = std::max_element(
      finalists.begin(), behind,
      [](const Finalist& a, const Finalist& b) { return a.parameters < b.parameters; });
  std::rotate(finalists.begin(), richest, richest + 1);
}

}  // namespace verge::fit
