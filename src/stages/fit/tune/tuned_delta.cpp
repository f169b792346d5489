#include <deque>

#include <verge/engine/graph/split_channels.hpp>
#include <verge/stages/fit/tune/stored_values.hpp>
#include <verge/stages/fit/tune/tuned_delta.hpp>

namespace verge::fit {
namespace {

// A parameter of a step is a weight, its channels, or a factor beside it.
std::string weight_of(const std::string& parameter) {
  if (const auto weight = weight_of_factor(parameter)) return *weight;
  const std::string ending = graph::channels_name("");
  if (!parameter.ends_with(ending)) return parameter;
  return parameter.substr(0, parameter.size() - ending.size());
}

}  // namespace

Result<TunedDelta> TunedDelta::open(const BaseModel& base, TuningRun& run) {
  VERGE_TRY(model::TensorFile file, model::TensorFile::open(base.path));
  TunedDelta delta(std::move(file));
  for (const auto& [parameter, view] : run.trainer().parameters()) {
    const std::string weight = weight_of(parameter);
    if (delta.places_.contains(weight)) continue;
    VERGE_TRY(delta.places_[weight], place_in_file(base, weight, delta.file_.tensors()));
  }
  return delta;
}

Result<runtime::DeltaSize> TunedDelta::write(const std::string& path, const BaseModel& base,
                                             TuningRun& run, ThreadPool& pool) const {
  runtime::NamedTensors now = file_.tensors();
  std::deque<Tensor> changed;
  for (const auto& [weight, place] : places_) {
    TensorView& view = now[place.tensor].second;
    if (base.kind == BaseKind::Levels) {
      view = changed.emplace_back(run.stored(weight)).view();
      continue;
    }
    VERGE_TRY(std::optional<Tensor> tensor,
              with_learned_values(view, place.is_transposed, base, run, weight, pool));
    if (tensor) view = changed.emplace_back(std::move(*tensor)).view();
  }
  return runtime::write_delta(path, file_.tensors(), now);
}

}  // namespace verge::fit
