#include <algorithm>

#include <verge/core/units.hpp>
#include <verge/stages/fit/scheme_search/search_owner.hpp>
#include <verge/stages/fit/scheme_search/search_scheme.hpp>
#include <verge/stages/fit/scheme_search/time_by_work.hpp>
#include <verge/stages/fit/tune/step_time.hpp>

namespace verge::fit {
namespace {

using OnProgress = std::function<void(const SearchProgress&)>;

class Search {
 public:
  Search(const SearchOptions& options, ThreadPool& pool, const Clock& clock)
      : options_(options), pool_(pool), clock_(clock) {}

  Status prepare() {
    if (options_.plan.memory_bytes <= 0 || options_.steps < 1 || options_.finals.seeds < 1) {
      return make_error(Code::InvalidArgument,
                        "give --memory, which the scheme must fit, and at least one step and one "
                        "seed");
    }
    VERGE_TRY(task_, ProxyTask::open(options_, pool_));
    space_ = std::make_unique<SearchSpace>(task_->base().graph);
    contributions_ = std::make_unique<Contributions>(*space_, owner());
    if (!options_.cache.empty()) VERGE_RETURN_IF_ERROR(contributions_->load(options_.cache));
    VERGE_TRY(const TrainingPlan head, plan_of(space_->head(), options_.plan.memory_bytes));
    return time_two_plans(head);
  }

  /// False: not all that is needed was measured.
  Result<bool> prepare_known(const BaseModel& base) {
    task_ = std::make_unique<ProxyTask>(base, options_, pool_);
    space_ = std::make_unique<SearchSpace>(base.graph);
    contributions_ = std::make_unique<Contributions>(*space_, owner_of_model(base.hash));
    VERGE_RETURN_IF_ERROR(contributions_->load(options_.cache, true));
    if (!contributions_->is_complete()) return false;
    VERGE_TRY(const TrainingPlan head, plan_of(space_->head(), options_.plan.memory_bytes));
    return true;
  }

  /// False: stopped; what was measured is kept.
  Result<bool> analyse(const OnProgress& on_progress, const std::atomic<bool>* cancel) {
    const std::vector<Genome> all = space_->measurements();
    for (size_t i = 0; i < all.size(); ++i) {
      if (cancel != nullptr && cancel->load()) return false;
      if (!contributions_->has(all[i])) {
        VERGE_TRY(const double score,
                  task_->score(space_->scheme(all[i]),
                               {options_.steps, task_->learning_rate(), options_.data.seed}));
        contributions_->set(all[i], score);
        VERGE_RETURN_IF_ERROR(keep());
      }
      if (on_progress) on_progress({.phase = "analysis", .done = i + 1, .all = all.size()});
    }
    return true;
  }

  Status evolve_sums(const OnProgress& on_progress, const std::atomic<bool>* cancel,
                     SearchResult& result) {
    const auto show = [&](size_t generation, double best) {
      if (on_progress) {
        on_progress({"evolution", generation + 1, options_.evolution.generations, best});
      }
      result.finished = cancel == nullptr || !cancel->load();
      return result.finished;
    };
    VERGE_TRY(ranked_, evolve(
                           *space_, [this](const Genome& genome) { return fitness(genome); },
                           options_.evolution, show));
    result.head_score = contributions_->predict(space_->head());
    result.planned = planned_;
    return {};
  }

  Status choose_sum(SearchResult& result) const {
    result.by = "gains measured one by one and added up";
    result.predicted = contributions_->predict(ranked_.front().genome);
    return choose(space_->scheme(ranked_.front().genome), result);
  }

  Status compare(const OnProgress& on_progress, const std::atomic<bool>* cancel,
                 SearchResult& result) {
    VERGE_TRY(result.finalists, finalists());
    const auto show = [&](size_t done, size_t all) {
      if (on_progress) on_progress({.phase = "finals", .done = done, .all = all});
    };
    VERGE_TRY(result.finished, compare_finalists(
                                   *task_, options_, contributions_->finals(), result.finalists,
                                   [this] { return keep(); }, show, cancel));
    if (!result.finished) return {};
    const Finalist& best = result.finalists.front();
    result.predicted = best.predicted.value_or(0);
    Ranking ranking{.memory_bytes = options_.plan.memory_bytes, .step_ms = options_.step_ms};
    for (const Finalist& finalist : result.finalists) {
      if (!finalist.is_in_time) continue;
      ranking.schemes.push_back({finalist.name, finalist.scheme, finalist.score()});
    }
    contributions_->add(std::move(ranking));
    VERGE_RETURN_IF_ERROR(keep());
    return choose(best.scheme, result);
  }

  /// False: no ranking is of as large a budget, or of its schemes only a head fits that did not
  /// win.
  Result<bool> choose_ranked(SearchResult& result) const {
    const Ranking* found =
        contributions_->ranking_for(options_.plan.memory_bytes, options_.step_ms);
    if (found == nullptr) return false;
    const Ranking& ranking = *found;
    for (const RankedScheme& ranked : ranking.schemes) {
      const auto plan = task_->plan(ranked.scheme, options_.plan.memory_bytes);
      if (!plan && plan.error().code != Code::OutOfMemory) return plan.error();
      if (!plan) continue;
      if (ranked.scheme.layers.empty() && &ranked != &ranking.schemes.front()) return false;
      result.by =
          fmt::format("{}, the best of {} schemes of at most {} by fine-tuning them", ranked.name,
                      ranking.schemes.size(), show_bytes(ranking.memory_bytes));
      result.predicted = ranked.score;
      const auto head = std::ranges::find_if(
          ranking.schemes, [](const RankedScheme& other) { return other.scheme.layers.empty(); });
      if (head != ranking.schemes.end()) result.head_score = head->score;
      VERGE_RETURN_IF_ERROR(choose(ranked.scheme, result));
      return true;
    }
    return false;
  }

  void describe(SearchResult& result) const {
    result.measured = contributions_->measured();
    result.model_hash = task_->base().hash;
  }

 private:
  std::string owner() const {
    return owner_of_search(task_->base().hash, task_->checksum(), options_);
  }

  Status keep() const {
    return options_.cache.empty() ? Status() : contributions_->save(options_.cache);
  }

  Result<TrainingPlan> plan_of(const Genome& genome, int64_t memory_bytes) const {
    return task_->plan(space_->scheme(genome), memory_bytes);
  }

  Status time_two_plans(const TrainingPlan& head) {
    if (options_.step_ms <= 0) return {};
    VERGE_TRY(const TrainingPlan full, plan_of(space_->tail(0, std::size(kSearchRatios)), 0));
    VERGE_TRY(time_, TimeByWork::measure(task_->base(), head, full, pool_, clock_));
    if (time_.least_ms() <= options_.step_ms) return {};
    return make_error(Code::InvalidArgument,
                      "--step-ms {}: a step that updates the head alone takes {:.3f} here",
                      options_.step_ms, time_.least_ms());
  }

  // Within the budget, else as it is.
  Result<TrainingPlan> candidate(const Genome& genome) const {
    Result<TrainingPlan> plan = plan_of(genome, options_.plan.memory_bytes);
    if (plan || plan.error().code != Code::OutOfMemory) return plan;
    return plan_of(genome, 0);
  }

  Result<double> fitness(const Genome& genome) {
    ++planned_;
    VERGE_TRY(const TrainingPlan plan, candidate(genome));
    const double memory =
        static_cast<double>(plan.memory.total()) / static_cast<double>(options_.plan.memory_bytes);
    const double time = options_.step_ms > 0 ? time_.ms(plan) / options_.step_ms : 0;
    if (memory > 1 || time > 1) return kUnfit - std::max(memory, time);
    return contributions_->predict(genome);
  }

  Result<std::vector<Finalist>> finalists() const {
    std::vector<Finalist> all;
    for (const ScoredGenome& best : best_of_depths(*space_, ranked_, options_.finals.searched)) {
      all.push_back({.name = fmt::format("searched {}", all.size() + 1),
                     .scheme = space_->scheme(best.genome),
                     .predicted = contributions_->predict(best.genome)});
    }
    const auto is_in_time = [this](const TrainingPlan& plan) {
      return options_.step_ms <= 0 || time_.ms(plan) <= options_.step_ms;
    };
    VERGE_TRY(std::vector<Finalist> plain,
              plain_schemes(*task_, options_.plan.memory_bytes, is_in_time));
    std::ranges::move(plain, std::back_inserter(all));
    for (Finalist& finalist : all) VERGE_RETURN_IF_ERROR(cost(finalist));
    return all;
  }

  // The head is in time: it was before, and there must be one that is.
  Status cost(Finalist& finalist) const {
    VERGE_TRY(const TrainingPlan plan, task_->plan(finalist.scheme, options_.plan.memory_bytes));
    VERGE_TRY(const StepTime time, time_step(task_->base(), plan, pool_, clock_));
    finalist.parameters = plan.settings.parameters;
    finalist.memory = plan.memory;
    finalist.work = plan.work;
    finalist.step_ms = time.ms;
    finalist.is_in_time =
        options_.step_ms <= 0 || time.ms <= options_.step_ms || finalist.scheme.layers.empty();
    return {};
  }

  Status choose(nn::UpdateScheme scheme, SearchResult& result) const {
    VERGE_TRY(const TrainingPlan plan, task_->plan(scheme, options_.plan.memory_bytes));
    result.scheme = std::move(scheme);
    result.memory = plan.memory;
    result.work = plan.work;
    result.step_ms = time_.ms(plan);
    return {};
  }

  const SearchOptions& options_;
  ThreadPool& pool_;
  const Clock& clock_;
  std::unique_ptr<ProxyTask> task_;
  std::unique_ptr<SearchSpace> space_;
  std::unique_ptr<Contributions> contributions_;
  std::vector<ScoredGenome> ranked_;
  TimeByWork time_;
  size_t planned_ = 0;
};

}  // namespace

Result<SearchResult> search_scheme(const SearchOptions& options, ThreadPool& pool,
                                   const Clock& clock, const OnProgress& on_progress,
                                   const std::atomic<bool>* cancel) {
  Search search(options, pool, clock);
  VERGE_RETURN_IF_ERROR(search.prepare());
  SearchResult result;
  VERGE_TRY(result.finished, search.analyse(on_progress, cancel));
  if (result.finished) VERGE_RETURN_IF_ERROR(search.evolve_sums(on_progress, cancel, result));
  if (result.finished) VERGE_RETURN_IF_ERROR(search.compare(on_progress, cancel, result));
  search.describe(result);
  return result;
}

Result<std::optional<SearchResult>> search_known(const BaseModel& base,
                                                 const SearchOptions& options, ThreadPool& pool,
                                                 const OnProgress& on_progress,
                                                 const std::atomic<bool>* cancel) {
  const SystemClock clock;
  Search search(options, pool, clock);
  VERGE_TRY(const bool is_known, search.prepare_known(base));
  if (!is_known) return std::optional<SearchResult>();
  SearchResult result{.finished = true};
  VERGE_TRY(const bool is_chosen, search.choose_ranked(result));
  if (!is_chosen) {
    VERGE_RETURN_IF_ERROR(search.evolve_sums(on_progress, cancel, result));
    if (result.finished) VERGE_RETURN_IF_ERROR(search.choose_sum(result));
  }
  search.describe(result);
  return std::optional(std::move(result));
}

}  // namespace verge::fit
