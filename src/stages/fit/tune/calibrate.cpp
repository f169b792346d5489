#include <algorithm>

#include <verge/engine/model/level_file.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/stages/fit/tune/calibrate.hpp>

namespace verge::fit {
namespace {

/// The graph of an f32 classifier with the values whose ranges are wanted as outputs, over the
/// stores.
Result<runtime::Plan> observing_plan(const BaseModel& base, const std::vector<std::string>& names,
                                     runtime::WeightStore& weights, runtime::StateStore& states,
                                     ThreadPool& pool) {
  graph::Graph observed = base.graph;
  for (const std::string& name : names) {
    if (name != base.images) observed.value(observed.find(name)).is_output = true;
  }
  for (const auto& [name, weight] : base.weights) weights.add(name, weight.view, weight.owner);
  return runtime::Plan::compile(std::move(observed), weights, states, pool);
}

Result<nn::ValueRanges> ranges_of(const BaseModel& base, const DataOptions& data,
                                  const CalibrationOptions& options, ThreadPool& pool) {
  VERGE_TRY(const auto task, open_task_data(base, {.batch = 1}, data));
  const std::vector<std::string> names = nn::ranged_values(base.graph, base.images);
  runtime::WeightStore weights;
  runtime::StateStore states;
  VERGE_TRY(runtime::Plan plan, observing_plan(base, names, weights, states, pool));
  const auto input = [&plan](std::string_view name) -> const TensorView& {
    return plan.input(name);
  };
  Calibration calibration(options.method);
  const auto each_picture = [&](auto take) {
    for (int64_t i = 0; i < std::min(options.pictures, task->passes_per_epoch()); ++i) {
      task->fill(i, input);
      plan.run(std::span<const int64_t>{});
      for (const std::string& name : names) {
        const TensorView& view = name == base.images ? plan.input(name) : plan.output(name);
        take(name, view.span<const float>());
      }
    }
  };
  each_picture([&](const std::string& name, auto values) { calibration.see(name, values); });
  VERGE_RETURN_IF_ERROR(calibration.expect_finite());
  if (options.method != CalibrationMethod::MinMax) {
    calibration.start_counting();
    each_picture([&](const std::string& name, auto values) { calibration.count(name, values); });
  }
  return calibration.ranges();
}

}  // namespace

Status write_calibrated(const BaseModel& base, const DataOptions& data,
                        const CalibrationOptions& options, const std::string& path,
                        ThreadPool& pool) {
  if (base.kind == BaseKind::LanguageModel || base.kind == BaseKind::Levels) {
    return make_error(
        Code::Unsupported, "{}: {}; --int8 makes levels of f32 classifiers of images; leave it out",
        base.path, base.kind == BaseKind::Levels ? "has levels already" : "a language model");
  }
  const graph::ValueId logits = base.graph.find(kLogits);
  if (!base.takes_pictures() || logits == graph::kNone ||
      base.graph.value(logits).type.dims.size() != 2) {
    return make_error(
        Code::Unsupported,
        "{}: --int8 is for classifiers of images, one input [batch, channels, height, "
        "width] and logits [batch, classes]; leave it out",
        base.path);
  }
  VERGE_TRY(const nn::ValueRanges ranges, ranges_of(base, data, options, pool));
  const auto values = [&base](const std::string& name) { return base.values(name); };
  // Without the loss, which a file does not have.
  VERGE_TRY(nn::LevelNetwork network,
            nn::to_levels(base.graph, logits, base.images, values, ranges));
  model::LevelFile file{.graph = std::move(network.graph),
                        .images = base.images,
                        .input = network.input,
                        .scales = std::move(network.scales),
                        .network = base.network,
                        .weights = {}};
  for (auto& [name, tensor] : network.weights) {
    const auto owner = std::make_shared<const Tensor>(std::move(tensor));
    file.weights[name] = {owner->view(), owner};
  }
  return model::write_level_file(path, file, {{"base_xxh3", base.hash}});
}

}  // namespace verge::fit
