#include <algorithm>

#include <fmt/ranges.h>

#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/collab/exit_confidence.hpp>
#include <verge/stages/serve/collab/node_times.hpp>

namespace verge::serve {
namespace {

class NodeTimer {
 public:
  NodeTimer(model::LanguageModel& model, const Clock& clock, const NodeTimesOptions& options)
      : model_(model), clock_(clock), options_(options), sequence_(model.decoder()) {}

  // Median seconds of a run of `rows` through layers [first, end), and of its head's confidence.
  Result<double> time(int64_t first, int64_t end, int64_t rows) {
    VERGE_TRY(runtime::LayerPlans * plans, model_.prepare_layers({first, end}));
    VERGE_RETURN_IF_ERROR(fill(*plans, first));
    std::vector<double> seconds;
    for (int i = 0; i <= options_.repeats; ++i) {
      const double begin_s = clock_.seconds();
      VERGE_RETURN_IF_ERROR(run(*plans, first, options_.context, rows));
      if (model_.config().has_head(end)) {
        confidence_ = exit_confidence(runtime::step_logits(model_.decoder(), 0), 1);
      }
      seconds.push_back(clock_.seconds() - begin_s);
    }
    seconds.erase(seconds.begin());  // the first warms up
    const auto middle = seconds.begin() + std::ssize(seconds) / 2;
    std::ranges::nth_element(seconds, middle);
    return *middle;
  }

 private:
  Status fill(runtime::LayerPlans& plans, int64_t first) {
    sequence_.truncate(0);
    for (int64_t from = 0; from < options_.context; from += kMostTimedRows) {
      const int64_t rows = std::min(kMostTimedRows, options_.context - from);
      VERGE_RETURN_IF_ERROR(run(plans, first, from, rows));
    }
    return {};
  }

  Status run(runtime::LayerPlans& plans, int64_t first, int64_t from, int64_t rows) {
    const std::vector<int32_t> tokens(static_cast<size_t>(rows), 1);
    const auto values = static_cast<size_t>(rows * model_.config().d_model);
    const std::vector<float> states(values, 0.5F);
    runtime::StepItem item{
        .sequence = &sequence_, .tokens = tokens, .first = from, .one_by_one = true};
    if (first > 0) item.states = states;
    return runtime::run_layers(plans, model_.decoder(), {&item, 1});
  }

  model::LanguageModel& model_;
  const Clock& clock_;
  const NodeTimesOptions& options_;
  runtime::Sequence sequence_;
  double confidence_ = 0;  // kept, so that it is computed
};

// The most layers from the first on that end without a head; 0 where there are none.
int64_t headless_layers(const nn::DecoderConfig& config) {
  int64_t layers = config.layers - 1;
  while (layers > 0 && config.has_head(layers)) --layers;
  return layers;
}

}  // namespace

Result<NodeCost> measure_node(model::LanguageModel& model, const Clock& clock,
                              const NodeTimesOptions& options) {
  const nn::DecoderConfig& config = model.config();
  const int64_t layers = headless_layers(config);
  if (layers == 0 || config.exit_layers.empty()) {
    return make_error(Code::Unsupported,
                      "{}: the times of layers and heads cannot be told apart, for exits after {} "
                      "of {} layers",
                      model.source().path, fmt::join(config.exit_layers, ", "), config.layers);
  }
  NodeTimer timer(model, clock, options);
  std::vector<MeasuredRun> runs;
  for (int64_t rows = 1; rows <= kMostTimedRows; rows *= 2) {
    VERGE_TRY(const double seconds, timer.time(0, layers, rows));
    runs.push_back({static_cast<double>(rows), seconds / static_cast<double>(layers)});
  }
  NodeCost node;
  VERGE_TRY(node.layer, fit_run_cost(runs));
  node.layer.base_s = std::max(0.0, node.layer.base_s);
  node.layer.row_s = std::max(0.0, node.layer.row_s);
  const int64_t exit = config.exit_layers.front();
  VERGE_TRY(const double with_head, timer.time(exit - 1, exit, 1));
  VERGE_TRY(const double without, timer.time(layers - 1, layers, 1));
  node.head_s = std::max(0.0, with_head - without);
  return node;
}

}  // namespace verge::serve
