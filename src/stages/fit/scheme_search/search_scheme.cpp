#include <verge/stages/fit/scheme_search/search_scheme.hpp>
#include <verge/stages/fit/tune/step_time.hpp>

namespace verge::fit {
namespace {

class Search {
 public:
  Search(const SearchOptions& options, ThreadPool& pool, const Clock& clock)
      : options_(options), pool_(pool), clock_(clock) {}

  Status prepare() {
    if (options_.plan.memory_bytes <= 0 || options_.steps < 1) {
      return make_error(Code::InvalidArgument,
                        "give --memory, which the scheme must fit, and at least one step");
    }
    VERGE_TRY(base_, open_base_model(options_.model, options_.plan.shape));
    VERGE_TRY(data_, open_task_data(base_, options_.plan.shape, options_.data));
    space_ = std::make_unique<SearchSpace>(base_.graph);
    contributions_ = std::make_unique<Contributions>(*space_, owner());
    if (!options_.cache.empty()) VERGE_RETURN_IF_ERROR(contributions_->load(options_.cache));
    VERGE_TRY(const TrainingPlan head, plan_of(space_->head(), options_.plan.memory_bytes));
    return time_two_plans(head);
  }

  /// False: not all that is needed was measured.
  Result<bool> prepare_known(const BaseModel& base) {
    base_ = base;
    space_ = std::make_unique<SearchSpace>(base_.graph);
    contributions_ = std::make_unique<Contributions>(*space_, owner_of_model(base_.hash));
    VERGE_RETURN_IF_ERROR(contributions_->load(options_.cache, true));
    if (!contributions_->is_complete()) return false;
    VERGE_TRY(const TrainingPlan head, plan_of(space_->head(), options_.plan.memory_bytes));
    return true;
  }

  /// False: stopped; what was measured is kept.
  Result<bool> analyse(const std::function<void(const SearchProgress&)>& on_progress,
                       const std::atomic<bool>* cancel) {
    const std::vector<Genome> all = space_->measurements();
    for (size_t i = 0; i < all.size(); ++i) {
      if (cancel != nullptr && cancel->load()) return false;
      if (!contributions_->has(all[i])) {
        VERGE_TRY(const double score, measure(all[i]));
        contributions_->set(all[i], score);
        if (!options_.cache.empty()) VERGE_RETURN_IF_ERROR(contributions_->save(options_.cache));
      }
      if (on_progress) on_progress({.phase = "analysis", .done = i + 1, .all = all.size()});
    }
    return true;
  }

  Status choose(const std::function<void(const SearchProgress&)>& on_progress,
                const std::atomic<bool>* cancel, SearchResult& result) {
    const auto show = [&](size_t generation, double best) {
      if (on_progress) {
        on_progress({"evolution", generation + 1, options_.evolution.generations, best});
      }
      result.finished = cancel == nullptr || !cancel->load();
      return result.finished;
    };
    VERGE_TRY(const Genome best,
              evolve(
                  *space_, [this](const Genome& genome) { return fitness(genome); },
                  options_.evolution, show));
    if (!result.finished) return {};
    VERGE_TRY(const TrainingPlan plan, plan_of(best, options_.plan.memory_bytes));
    result.scheme = space_->scheme(best);
    result.predicted = contributions_->predict(best);
    result.head_score = contributions_->predict(space_->head());
    result.memory = plan.memory;
    result.work = plan.work;
    result.step_ms = predicted_ms(plan);
    result.planned = planned_;
    return {};
  }

  void describe(SearchResult& result) const {
    result.measured = contributions_->measured();
    result.model_hash = base_.hash;
  }

 private:
  std::string owner() const {
    return fmt::format(
        "{}task {} of {} images, {} held out, steps {} lr {} batch {} tokens {} optimizer "
        "{} seed {}{}",
        owner_of_model(base_.hash), data_->checksum(), options_.data.training_images,
        options_.data.held_out, options_.steps, options_.learning_rate, options_.plan.shape.batch,
        options_.plan.shape.tokens, graph::describe(options_.plan.optimizer), options_.plan.seed,
        options_.has_new_head ? " new head" : "");
  }

  Result<TrainingPlan> plan_of(const Genome& genome, int64_t memory_bytes) {
    PlanOptions options = options_.plan;
    options.memory_bytes = memory_bytes;
    options.disabled_passes.push_back("recompute");
    return compile_training(base_, space_->scheme(genome), options, pool_.size());
  }

  Result<double> measure(const Genome& genome) {
    VERGE_TRY(const TrainingPlan plan, plan_of(genome, 0));
    const bool is_sgd = options_.plan.optimizer.kind == graph::OptimizerKind::Sgd;
    const double usual = is_sgd ? 1e-2 : 1e-3;
    const runtime::Schedule schedule{
        .peak = options_.learning_rate > 0 ? options_.learning_rate : usual,
        .warmup = options_.steps / 10,
        .steps = options_.steps,
        .final_share = 0.01};
    VERGE_TRY(const auto run, TuningRun::create(base_, plan, *data_, schedule,
                                                options_.has_new_head, options_.plan.seed, pool_));
    for (int64_t step = 0; step < options_.steps; ++step) {
      run->fill(step);
      run->trainer().step();
    }
    VERGE_RETURN_IF_ERROR(run->trainer().check_finite(0, ""));
    VERGE_TRY(const HeldOut held_out, run->held_out());
    return base_.has_classes() ? held_out.accuracy : -held_out.loss;
  }

  // A step's time grows with its work: a line through the head's and that of everything.
  Status time_two_plans(const TrainingPlan& head) {
    if (options_.step_ms <= 0) return {};
    Genome whole = space_->head();
    whole.biases = space_->biases();
    for (uint8_t& weight : whole.weights) weight = std::size(kSearchRatios);
    VERGE_TRY(const TrainingPlan full, plan_of(whole, 0));
    VERGE_TRY(const StepTime head_time, time_step(base_, head, pool_, clock_));
    head_ms_ = head_time.ms;
    if (head_ms_ > options_.step_ms) {
      return make_error(Code::InvalidArgument,
                        "--step-ms {}: a step that updates the head alone takes {:.3f} here",
                        options_.step_ms, head_ms_);
    }
    VERGE_TRY(const StepTime full_time, time_step(base_, full, pool_, clock_));
    head_flops_ = head.work.total();
    ms_per_flop_ =
        std::max(0.0, full_time.ms - head_ms_) / std::max(1.0, full.work.total() - head_flops_);
    return {};
  }

  double predicted_ms(const TrainingPlan& plan) const {
    return head_ms_ + ms_per_flop_ * (plan.work.total() - head_flops_);
  }

  // Within the budget, else as it is.
  Result<TrainingPlan> candidate(const Genome& genome) {
    Result<TrainingPlan> plan = plan_of(genome, options_.plan.memory_bytes);
    if (plan || plan.error().code != Code::OutOfMemory) return plan;
    return plan_of(genome, 0);
  }

  Result<double> fitness(const Genome& genome) {
    ++planned_;
    VERGE_TRY(const TrainingPlan plan, candidate(genome));
    const double memory =
        static_cast<double>(plan.memory.total()) / static_cast<double>(options_.plan.memory_bytes);
    const double time = options_.step_ms > 0 ? predicted_ms(plan) / options_.step_ms : 0;
    constexpr double kUnfit = -1e6;
    if (memory > 1 || time > 1) return kUnfit - std::max(memory, time);
    return contributions_->predict(genome);
  }

  const SearchOptions& options_;
  ThreadPool& pool_;
  const Clock& clock_;
  BaseModel base_;
  std::unique_ptr<TaskData> data_;
  std::unique_ptr<SearchSpace> space_;
  std::unique_ptr<Contributions> contributions_;
  double head_ms_ = 0, head_flops_ = 0, ms_per_flop_ = 0;
  size_t planned_ = 0;
};

}  // namespace

Result<SearchResult> search_scheme(const SearchOptions& options, ThreadPool& pool,
                                   const Clock& clock,
                                   const std::function<void(const SearchProgress&)>& on_progress,
                                   const std::atomic<bool>* cancel) {
  Search search(options, pool, clock);
  VERGE_RETURN_IF_ERROR(search.prepare());
  SearchResult result;
  VERGE_TRY(result.finished, search.analyse(on_progress, cancel));
  search.describe(result);
  if (result.finished) VERGE_RETURN_IF_ERROR(search.choose(on_progress, cancel, result));
  return result;
}

Result<std::optional<SearchResult>> search_known(
    const BaseModel& base, const SearchOptions& options, ThreadPool& pool,
    const std::function<void(const SearchProgress&)>& on_progress,
    const std::atomic<bool>* cancel) {
  const SystemClock clock;
  Search search(options, pool, clock);
  VERGE_TRY(const bool is_known, search.prepare_known(base));
  if (!is_known) return std::optional<SearchResult>();
  SearchResult result{.finished = true};
  VERGE_RETURN_IF_ERROR(search.choose(on_progress, cancel, result));
  search.describe(result);
  return std::optional(std::move(result));
}

}  // namespace verge::fit
