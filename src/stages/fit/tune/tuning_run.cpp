#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include <verge/core/checksum.hpp>
#include <verge/core/rng.hpp>
#include <verge/engine/graph/axis_blocks.hpp>
#include <verge/engine/graph/split_channels.hpp>
#include <verge/stages/fit/tune/tuning_run.hpp>

namespace verge::fit {
namespace {

using Types = std::map<std::string, graph::Type>;

constexpr std::string_view kFactorA = ".lora_a", kFactorB = ".lora_b";

Tensor random_tensor(const Shape& shape, double deviation, const std::string& name, uint64_t seed) {
  Tensor tensor(DType::F32, shape);
  Rng rng(seed, checksum(std::as_bytes(std::span(name))));
  for (float& value : tensor.span<float>()) value = static_cast<float>(deviation) * rng.normal();
  return tensor;
}

double fan_in(const Shape& shape) {
  return static_cast<double>(shape.count()) / static_cast<double>(shape[0]);
}

runtime::InitialTensor owned(Tensor tensor) {
  const auto owner = std::make_shared<const Tensor>(std::move(tensor));
  return {owner->view(), owner};
}

Error another_interface(const BaseModel& base, std::string_view name) {
  return make_error(Code::Conflict, "{}: the plan's {} is another one; compile it anew", base.path,
                    name);
}

bool is_interface(const graph::Value& value) {
  return value.kind == graph::ValueKind::Input || value.is_output;
}

// Of a language model's evaluation.
bool is_logits(const BaseModel& base, const graph::Graph& program, const graph::Value& found) {
  const graph::ValueId id = base.graph.find(kLogits);
  if (!base.is_language_model() || found.name != kLogits || id == graph::kNone) return false;
  const graph::Type& wanted = base.graph.value(id).type;
  return found.kind != graph::ValueKind::Input && found.type.dtype == wanted.dtype &&
         program.bound_shape(found.type) == base.graph.bound_shape(wanted);
}

// Whether a program has the inputs and outputs of the model, and beside them those of `more` alone.
Status check_interface(const BaseModel& base, const graph::Graph& program, const Types& more) {
  for (const graph::Value& wanted : base.graph.values) {
    if (!is_interface(wanted)) continue;
    const graph::ValueId id = program.find(wanted.name);
    if (id == graph::kNone) return another_interface(base, wanted.name);
    const graph::Value& found = program.value(id);
    if (found.kind != wanted.kind || found.is_output != wanted.is_output ||
        found.type.dtype != wanted.type.dtype ||
        program.bound_shape(found.type) != base.graph.bound_shape(wanted.type)) {
      return another_interface(base, wanted.name);
    }
  }
  for (const graph::Value& found : program.values) {
    if (!is_interface(found)) continue;
    const graph::ValueId id = base.graph.find(found.name);
    if (id != graph::kNone && is_interface(base.graph.value(id))) continue;
    if (is_logits(base, program, found)) continue;
    const auto at = more.find(found.name);
    if (at == more.end() || found.kind != graph::ValueKind::Input || found.is_output ||
        found.type != at->second) {
      return another_interface(base, found.name);
    }
  }
  return {};
}

bool is_input_of(const Types& inputs, const graph::Value& value) {
  const auto at = inputs.find(value.name);
  return at != inputs.end() && at->second == value.type;
}

bool is_parameter_of(const graph::Graph& pass, const graph::Value& value) {
  const graph::ValueId id = pass.find(value.name);
  return id != graph::kNone && pass.value(id).kind == graph::ValueKind::Param &&
         pass.value(id).type == value.type;
}

// Whether the update of several passes has its inputs and the parameters of a pass alone.
Status check_update(const BaseModel& base, const TrainingPlan& plan, const Types& inputs) {
  for (const graph::Value& value : plan.update->graph.values) {
    bool is_known = !value.is_output;
    if (value.kind == graph::ValueKind::Input) is_known &= is_input_of(inputs, value);
    if (value.kind == graph::ValueKind::Param) is_known &= is_parameter_of(plan.step.graph, value);
    if (!is_known) return another_interface(base, value.name);
  }
  return {};
}

// Only what the updating program overwrites is copied: all other programs would write to the
// model's file where it is mapped.
Status expect_no_update(const BaseModel& base, const graph::Graph& program, std::string_view name) {
  const std::vector<std::string> updated = runtime::updated_parameters(program);
  if (updated.empty()) return {};
  return make_error(Code::Conflict, "{}: the plan's program {} overwrites {}; compile it anew",
                    base.path, name, updated[0]);
}

// Calls f(byte in the whole, byte in the part, bytes) for each run of the channels of a slice.
template <typename F>
void for_each_run(const TensorView& whole, const graph::ChannelSlice& slice, F f) {
  const graph::AxisBlocks blocks = graph::axis_blocks(whole, static_cast<int>(slice.axis));
  int64_t in_part = 0;
  for (int64_t i = 0; i < blocks.outer; ++i) {
    for (const int32_t channel : slice.channels) {
      f(i * blocks.outer_bytes + channel * blocks.inner_bytes, in_part, blocks.inner_bytes);
      in_part += blocks.inner_bytes;
    }
  }
}

// w += factor * b a, of [out, rank] and [rank, in].
void merge(std::vector<float>& w, const TensorView& a, const TensorView& b, double factor) {
  const auto rank = static_cast<size_t>(a.shape[0]),
             in = static_cast<size_t>(a.shape.count()) / rank;
  const auto down = a.span<float>(), up = b.span<float>();
  for (size_t i = 0; i < w.size(); ++i) {
    double sum = 0;
    for (size_t r = 0; r < rank; ++r) sum += double{up[i / in * rank + r]} * down[r * in + i % in];
    w[i] += static_cast<float>(factor * sum);
  }
}

// Those of the base's weight.
Result<runtime::InitialTensor> initial_channels(const BaseModel& base, const std::string& name,
                                                const Shape& shape,
                                                const graph::ChannelSlice& slice) {
  const std::string ending = graph::channels_name("");
  if (!name.ends_with(ending)) return another_interface(base, name);
  const auto at = base.weights.find(name.substr(0, name.size() - ending.size()));
  const auto axis = static_cast<int>(slice.axis);
  if (at == base.weights.end() || axis >= at->second.view.shape.rank()) {
    return another_interface(base, name);
  }
  const TensorView& whole = at->second.view;
  const bool is_inside = std::ranges::all_of(
      slice.channels, [&](int32_t channel) { return channel >= 0 && channel < whole.shape[axis]; });
  Tensor part(whole.dtype, shape);
  const int64_t taken = whole.shape[axis] == 0 ? 0 : whole.shape.count() / whole.shape[axis];
  if (!is_inside || shape.count() != taken * std::ssize(slice.channels)) {
    return another_interface(base, name);
  }
  for_each_run(whole, slice, [&](int64_t in_whole, int64_t in_part, int64_t bytes) {
    std::memcpy(part.view().as<std::byte>() + in_part, whole.as<std::byte>() + in_whole,
                static_cast<size_t>(bytes));
  });
  return owned(std::move(part));
}

// Of the first `count` samples, each the mean over its elements.
double squared_errors(const TensorView& found, const TensorView& wanted, int64_t count) {
  const int64_t of_sample = found.shape.count() / found.shape[0];
  double sum = 0;
  for (int64_t i = 0; i < count * of_sample; ++i) {
    const double error = double{found.as<float>()[i]} - double{wanted.as<float>()[i]};
    sum += error * error;
  }
  return sum / static_cast<double>(of_sample);
}

int64_t right_answers(const TensorView& logits, const TaskData& data) {
  const int64_t classes = logits.shape.back();
  int64_t right = 0;
  for (int64_t row = 0; row < logits.shape.rows(); ++row) {
    const float* of_row = logits.as<float>() + row * classes;
    right += std::max_element(of_row, of_row + classes) - of_row == data.label(row);
  }
  return right;
}

}  // namespace

std::optional<std::string> weight_of_factor(const std::string& parameter) {
  for (const std::string_view ending : {kFactorA, kFactorB}) {
    if (parameter.ends_with(ending)) return parameter.substr(0, parameter.size() - ending.size());
  }
  return std::nullopt;
}

Status expect_plan_of(const BaseModel& base, const TrainingPlan& plan) {
  if (plan.settings.hash != base.hash) {
    return make_error(Code::Conflict, "{}: its weights are {}, the plan is for {}; compile it anew",
                      base.path, base.hash, plan.settings.hash);
  }
  const Types of_update = {{"lr", {DType::F32, {}}}, {"step", {DType::I64, {}}}};
  VERGE_RETURN_IF_ERROR(check_interface(base, plan.step.graph, plan.update ? Types{} : of_update));
  if (plan.updating().graph.find("lr") == graph::kNone) return another_interface(base, "lr");
  if (plan.update) {
    VERGE_RETURN_IF_ERROR(expect_no_update(base, plan.step.graph, "step"));
    VERGE_RETURN_IF_ERROR(check_update(base, plan, of_update));
  }
  VERGE_RETURN_IF_ERROR(expect_no_update(base, plan.evaluate.graph, "evaluate"));
  return check_interface(base, plan.evaluate.graph, {});
}

Result<std::unique_ptr<TuningRun>> TuningRun::create(const BaseModel& base,
                                                     const TrainingPlan& plan, TaskData& data,
                                                     const runtime::Schedule& schedule,
                                                     bool has_new_head, uint64_t seed,
                                                     ThreadPool& pool) {
  VERGE_RETURN_IF_ERROR(expect_plan_of(base, plan));
  if (has_new_head && base.is_language_model()) {
    return make_error(Code::InvalidArgument,
                      "{}: --new-head is for classifiers, this is a language model; leave it out",
                      base.path);
  }
  std::unique_ptr<TuningRun> run(new TuningRun(base, plan, data, pool));
  runtime::TrainerOptions options;
  options.optimizer = plan.settings.optimizer;
  options.schedule = schedule;
  options.accumulate = plan.settings.accumulate;
  VERGE_TRY(run->trainer_,
            runtime::Trainer::bind(
                plan.programs(),
                [&](const std::string& name) {
                  return initial_weight(base, plan.step.graph, name, {has_new_head, seed});
                },
                options, pool));
  return run;
}

Result<runtime::InitialTensor> initial_weight(const BaseModel& base, const graph::Graph& step,
                                              const std::string& name, const InitialWeights& how) {
  const graph::Value& value = step.value(step.find(name));
  const Shape shape = step.bound_shape(value.type);
  if (const auto slice = graph::split_slice(step, name)) {
    return initial_channels(base, name, shape, *slice);
  }
  if (const auto weight = weight_of_factor(name); weight && !base.weights.contains(*weight)) {
    return another_interface(base, name);
  }
  if (name.ends_with(kFactorA)) {
    return owned(random_tensor(shape, 1 / std::sqrt(fan_in(shape)), name, how.seed));
  }
  if (name.ends_with(kFactorB)) return owned(Tensor(DType::F32, shape));
  const auto at = base.weights.find(name);
  const DType dtype = at == base.weights.end() ? DType::F32 : at->second.view.dtype;
  if (value.type.dtype != dtype) return another_interface(base, name);
  if (at == base.weights.end() || at->second.view.shape != shape) {
    return make_error(Code::Conflict, "{}: no tensor {} of {} {}; compile the plan anew", base.path,
                      name, verge::name(value.type.dtype), shape.str());
  }
  if (!how.has_new_head) return at->second;
  for (const nn::UpdatableLayer& layer : nn::updatable_layers(base.graph)) {
    if (!layer.is_head || (name != layer.weight && (layer.bias == graph::kNone ||
                                                    name != base.graph.value(layer.bias).name))) {
      continue;
    }
    const bool is_matrix = name == layer.weight;
    return owned(is_matrix ? random_tensor(shape, 1 / std::sqrt(fan_in(shape)), name, how.seed)
                           : Tensor(DType::F32, shape));
  }
  return at->second;
}

void TuningRun::fill(int64_t pass) {
  data_.fill(pass,
             [this](std::string_view name) -> const TensorView& { return trainer_->input(name); });
}

bool TuningRun::has_accuracy() const {
  const graph::Graph& graph = plan_.evaluate.graph;
  const graph::ValueId logits = graph.find(kLogits);
  const bool shows_logits = logits != graph::kNone && graph.value(logits).is_output;
  return base_.has_classes() || (base_.is_language_model() && shows_logits);
}

Result<HeldOut> TuningRun::held_out() {
  VERGE_TRY(runtime::Plan plan,
            runtime::Plan::bind(plan_.evaluate, trainer_->weights(), trainer_->states(), pool_));
  const auto input = [&plan](std::string_view name) -> const TensorView& {
    return plan.input(name);
  };
  const bool has_targets = base_.graph.find(kPrediction) != graph::kNone;
  HeldOut result;
  int64_t rows = 0, right = 0;
  for (int64_t batch = 0; batch < data_.held_out_batches(); ++batch) {
    const int64_t count = data_.fill_held_out(batch, input);
    plan.run(std::span<const int64_t>{});
    result.loss += has_targets
                       ? squared_errors(plan.output(kPrediction), plan.input("targets"), count)
                       : static_cast<double>(count) * double{*plan.output("loss").as<float>()};
    rows += count;
    if (has_accuracy()) right += right_answers(plan.output(kLogits), data_);
  }
  if (rows == 0) return result;
  result.loss /= static_cast<double>(rows);
  result.accuracy = static_cast<double>(right) / static_cast<double>(rows);
  return result;
}

Tensor TuningRun::stored(const std::string& name) const {
  const auto native = trainer_->weights().native(name);
  const TensorView whole = native ? *native : base_.weights.at(name).view;
  Tensor copy(whole.dtype, whole.shape);
  std::memcpy(copy.view().data, whole.data, static_cast<size_t>(whole.bytes()));
  const std::string part = graph::channels_name(name);
  const auto slice = graph::split_slice(plan_.step.graph, part);
  const auto learned = trainer_->weights().native(part);
  if (!slice || !learned) return copy;
  for_each_run(whole, *slice, [&](int64_t in_whole, int64_t in_part, int64_t bytes) {
    std::memcpy(copy.view().as<std::byte>() + in_whole, learned->as<std::byte>() + in_part,
                static_cast<size_t>(bytes));
  });
  return copy;
}

Result<std::vector<float>> TuningRun::tuned(const std::string& name) {
  const auto native = trainer_->weights().native(name);
  const auto span =
      native ? native->span<const float>() : base_.weights.at(name).view.span<const float>();
  std::vector<float> values(span.begin(), span.end());
  if (std::ranges::find(plan_.settings.low_rank, name) == plan_.settings.low_rank.end()) {
    return values;
  }
  VERGE_TRY(const TensorView a, trainer_->weights().native(name + std::string(kFactorA)));
  VERGE_TRY(const TensorView b, trainer_->weights().native(name + std::string(kFactorB)));
  const graph::LowRank& form = *plan_.settings.scheme.lora;
  const Shape& w = base_.weights.at(name).view.shape;
  if (a.dtype != DType::F32 || b.dtype != DType::F32 || a.shape.rank() < 2 || b.shape.rank() < 2 ||
      a.shape[0] != form.rank || b.shape[0] != w[0] || b.shape.count() != w[0] * form.rank ||
      a.shape.count() != form.rank * (w.count() / w[0])) {
    return another_interface(base_, name + std::string(kFactorA));
  }
  merge(values, a, b, form.alpha / static_cast<double>(form.rank));
  return values;
}

}  // namespace verge::fit
