#include <algorithm>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/dynamic_code.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {
namespace {

bool is_integer(DType dtype) {
  return dtype == DType::I8 || dtype == DType::I32;
}

// Emits the updates of one optimizer.
class Updater {
 public:
  Updater(Graph graph, const OptimizerSpec& spec, DType real, bool has_levels, ChannelSlices slices,
          LevelScales scales)
      : builder_(std::move(graph)),
        spec_(spec),
        slices_(std::move(slices)),
        scales_(std::move(scales)) {
    builder_.phase(Phase::Update);
    lr_ = builder_.input("lr", {real, {}});
    if (has_levels || spec.kind == OptimizerKind::AdamW || spec.kind == OptimizerKind::AdamW8bit) {
      step_ = builder_.input("step", {DType::I64, {}});
    }
  }

  /// The gradients of all params, no longer together than the spec allows.
  void shorten(const std::vector<ValueId>& params, std::vector<ValueId>& gradients) {
    if (spec_.global_norm <= 0) return;
    std::vector<ValueId> lengths;
    for (size_t i = 0; i < params.size() && !builder_.failed(); ++i) {
      builder_.source(builder_.graph().value(params[i]).name);
      lengths.push_back(builder_.op("l2_norm", {gradients[i]}));
    }
    const ValueId factor = builder_.op("clip_factor", lengths, {{"max_norm", spec_.global_norm}});
    for (ValueId& gradient : gradients) gradient = builder_.op("mul", {gradient, factor});
  }

  void update(ValueId param, ValueId gradient) {
    if (builder_.failed()) return;
    builder_.source(builder_.graph().value(param).name);
    if (spec_.max_norm > 0) {
      gradient = builder_.op("clip_grad", {gradient}, {{"max_norm", spec_.max_norm}});
    }
    const double decay = builder_.type(param).dims.size() >= 2 ? spec_.weight_decay : 0;
    const auto slice = slices_.find(param);
    const auto scale = scales_.find(param);
    LevelScale level = scale == scales_.end() ? LevelScale{} : scale->second;
    if (slice == slices_.end()) return name_updated(emit(param, gradient, decay, level));
    // The channels are taken out, updated as if they were the parameter, and put back.
    const auto [axis, channels] = slice->second;
    const ValueId part = emit_take(builder_, param, axis, channels);
    if (builder_.failed()) return;
    builder_.graph().value(part).name = builder_.graph().value(param).name;
    const ValueId list = builder_.graph().nodes.back().inputs[1];
    if (axis == 0 && level.multiplier != kNone) {
      level.multiplier = builder_.op("gather", {level.multiplier, list}, {{"axis", axis}});
    }
    const std::vector<ValueId> updated = emit(part, gradient, decay, level);
    if (builder_.failed()) return;
    name_updated(updated);
    builder_.graph().value(part).name += ".channels";
    builder_.graph().value(updated[0]).name = builder_.graph().value(part).name + "'";
    name_updated({builder_.op("scatter_channels", {param, updated[0], list}, {{"axis", axis}})});
  }

  Result<Graph> finish() { return builder_.finish(); }

 private:
  void name_updated(const std::vector<ValueId>& updated) {
    Graph& graph = builder_.graph();
    for (const ValueId id : updated) {
      if (id != kNone) graph.value(id).name = graph.value(graph.value(id).alias_of).name + "'";
    }
  }

  ValueId moment(ValueId param, std::string_view suffix) {
    const Type type = builder_.type(param);
    return builder_.state(builder_.graph().value(param).name + std::string(suffix),
                          {compute_dtype(type.dtype), type.dims});
  }

  ValueId codes(ValueId param, std::string_view suffix) {
    return builder_.state(builder_.graph().value(param).name + std::string(suffix),
                          {DType::U8, builder_.type(param).dims});
  }
  ValueId scales(ValueId param, std::string_view suffix) {
    const Type type = builder_.type(param);
    const int64_t count = builder_.graph().bound_shape(type).count();
    return builder_.state(fmt::format("{}{}.scale", builder_.graph().value(param).name, suffix),
                          {compute_dtype(type.dtype), {(count + kMomentBlock - 1) / kMomentBlock}});
  }

  std::vector<ValueId> emit(ValueId param, ValueId gradient, double decay, LevelScale level) {
    if (!is_integer(builder_.type(param).dtype)) return emit_real(param, gradient, decay);
    ValueId rate = lr_;
    if (spec_.kind != OptimizerKind::Sgd || spec_.momentum > 0) {
      if (decay != 0) return refuse_decay(param);
      // The optimizer's own step from nothing is what the levels then move by. Velocity is a sum of
      // gradients, so it is scaled as they are; the others' steps are as long however those are.
      const ValueId nothing = zeros_like(param);
      if (builder_.failed()) return {};
      gradient = emit_real(nothing, gradient, 0)[0];
      if (spec_.kind != OptimizerKind::Sgd) level = {};
      rate = minus_one();
    }
    const bool keeps_rest = spec_.remainders && builder_.type(param).dtype == DType::I8;
    const ValueId rest = keeps_rest ? builder_.state(builder_.graph().value(param).name + ".rest",
                                                     builder_.type(param))
                                    : kNone;
    const bool scales = spec_.level_scaling && level.multiplier != kNone;
    return builder_.op_all(
        "sgd_int8", {param, gradient, scales ? level.multiplier : kNone, rest, rate, step_},
        {{"ratio", scales ? level.ratio : 0.0}, {"weight_decay", decay}, {"stream", stream_++}});
  }

  std::vector<ValueId> refuse_decay(ValueId param) {
    builder_.fail(make_error(
        Code::Unsupported,
        "{}: levels of 8 bits decay under plain sgd alone, not by {}; give --weight-decay 0, or "
        "--optimizer sgd without --momentum",
        builder_.graph().value(param).name, describe(spec_)));
    return {};
  }

  // f32 zeros that an optimizer may overwrite, under the parameter's name.
  ValueId zeros_like(ValueId param) {
    Tensor zero(DType::F32, {});
    store(zero.view(), {0.0});
    const ValueId id = builder_.op("broadcast_to", {builder_.constant("zero", std::move(zero))},
                                   dims_attrs(builder_.type(param).dims));
    if (id != kNone) builder_.graph().value(id).name = builder_.graph().value(param).name;
    return id;
  }
  ValueId minus_one() {
    Tensor rate(DType::F32, {});
    store(rate.view(), {-1.0});
    return builder_.constant("step.rate", std::move(rate));
  }

  std::vector<ValueId> emit_real(ValueId param, ValueId gradient, double decay) {
    switch (spec_.kind) {
      case OptimizerKind::AdamW:
        return builder_.op_all(
            "adamw", {param, gradient, moment(param, ".m"), moment(param, ".v"), step_, lr_},
            {{"beta1", spec_.beta1},
             {"beta2", spec_.beta2},
             {"eps", spec_.eps},
             {"weight_decay", decay}});
      case OptimizerKind::AdamW8bit:
        return builder_.op_all("adamw_8bit",
                               {param, gradient, codes(param, ".m"), scales(param, ".m"),
                                codes(param, ".v"), scales(param, ".v"), step_, lr_},
                               {{"beta1", spec_.beta1},
                                {"beta2", spec_.beta2},
                                {"eps", spec_.eps},
                                {"weight_decay", decay}});
      case OptimizerKind::Lion:
        return builder_.op_all(
            "lion", {param, gradient, moment(param, ".m"), lr_},
            {{"beta1", spec_.beta1}, {"beta2", spec_.beta2}, {"weight_decay", decay}});
      case OptimizerKind::Sgd:
        break;
    }
    const ValueId velocity = spec_.momentum > 0 ? moment(param, ".m") : kNone;
    return builder_.op_all("sgd", {param, gradient, velocity, lr_},
                           {{"momentum", spec_.momentum},
                            {"weight_decay", decay},
                            {"nesterov", int64_t{spec_.nesterov}}});
  }

  Builder builder_;
  const OptimizerSpec& spec_;
  ChannelSlices slices_;
  LevelScales scales_;
  ValueId lr_ = kNone;
  ValueId step_ = kNone;
  int64_t stream_ = 0;  // tells the draws of parameters apart
};

DType real_of(const Graph& graph, const std::vector<ValueId>& trainable) {
  const auto is_f64 = [&](ValueId id) { return graph.value(id).type.dtype == DType::F64; };
  return std::ranges::any_of(trainable, is_f64) ? DType::F64 : DType::F32;
}

ValueId accumulator(Builder& b, const Value& param, const ChannelSlice* slice) {
  Dims dims = param.type.dims;
  if (slice != nullptr) {
    dims[static_cast<size_t>(slice->axis)] = static_cast<int64_t>(slice->channels.size());
  }
  return b.state(param.name + ".g", {compute_dtype(param.type.dtype), dims});
}

const ChannelSlice* slice_of(const ChannelSlices& slices, ValueId param) {
  const auto at = slices.find(param);
  return at == slices.end() ? nullptr : &at->second;
}

struct OptimizerName {
  OptimizerKind kind;
  std::string_view name;
};

constexpr OptimizerName kOptimizers[] = {{OptimizerKind::AdamW, "adamw"},
                                         {OptimizerKind::AdamW8bit, "adamw8bit"},
                                         {OptimizerKind::Sgd, "sgd"},
                                         {OptimizerKind::Lion, "lion"}};

}  // namespace

std::optional<OptimizerKind> optimizer_from_name(std::string_view name) {
  const auto* at = std::ranges::find(kOptimizers, name, &OptimizerName::name);
  return at == std::end(kOptimizers) ? std::nullopt : std::optional(at->kind);
}

std::string_view name(OptimizerKind kind) {
  return std::ranges::find(kOptimizers, kind, &OptimizerName::kind)->name;
}

std::string describe(const OptimizerSpec& spec) {
  std::string text(name(spec.kind));
  const auto add = [&](std::string_view what, double value) {
    if (value != 0) text += fmt::format(", {} {}", what, value);
  };
  if (spec.kind != OptimizerKind::Sgd) {
    add("beta1", spec.beta1);
    add("beta2", spec.beta2);
  }
  if (spec.kind == OptimizerKind::Sgd)
    add(spec.nesterov ? "nesterov momentum" : "momentum", spec.momentum);
  add("weight decay", spec.weight_decay);
  add("each gradient clipped at", spec.max_norm);
  add("all gradients clipped at", spec.global_norm);
  if (!spec.level_scaling) text += ", unscaled levels";
  if (spec.remainders) text += ", remainders of levels";
  return text;
}

Result<Graph> add_updates(JointGraph joint, const std::vector<ValueId>& trainable,
                          const OptimizerSpec& optimizer) {
  VERGE_CHECK(trainable.size() == joint.gradients.size(), trainable.size(), joint.gradients.size());
  const DType real = real_of(joint.graph, trainable);
  const bool has_levels = std::ranges::any_of(
      trainable, [&](ValueId id) { return is_integer(joint.graph.value(id).type.dtype); });
  Updater updater(std::move(joint.graph), optimizer, real, has_levels, std::move(joint.slices),
                  std::move(joint.scales));
  updater.shorten(trainable, joint.gradients);
  for (size_t i = 0; i < trainable.size(); ++i) updater.update(trainable[i], joint.gradients[i]);
  return updater.finish();
}

// An accumulator is a parameter that plain gradient descent moves by +gradient / parts. So what
// fuses an update into its product (update_into_gradient) adds a product to the accumulator, too.
Result<Graph> accumulate_gradients(JointGraph joint, const std::vector<ValueId>& trainable,
                                   int64_t parts) {
  VERGE_CHECK(trainable.size() == joint.gradients.size(), trainable.size(), joint.gradients.size());
  const DType real = real_of(joint.graph, trainable);
  Builder b(std::move(joint.graph));
  b.phase(Phase::Update);
  Tensor share(real, {});
  store(share.view(), {-1.0 / static_cast<double>(parts)});
  const ValueId rate = b.constant("accumulate.rate", std::move(share));
  for (size_t i = 0; i < trainable.size(); ++i) {
    const Value param = b.graph().value(trainable[i]);
    b.source(param.name);
    const ValueId sum = b.op("sgd", {accumulator(b, param, slice_of(joint.slices, trainable[i])),
                                     joint.gradients[i], kNone, rate});
    if (!b.failed()) b.graph().value(sum).name = param.name + ".g'";
  }
  return b.finish();
}

Result<Graph> updates_from_accumulators(const Graph& forward, const std::vector<ValueId>& trainable,
                                        const OptimizerSpec& optimizer,
                                        const ChannelSlices& slices) {
  Builder b(forward.name + " update");
  JointGraph joint;
  std::vector<ValueId> params;
  for (ValueId id : trainable) {
    const Value& param = forward.value(id);
    params.push_back(b.param(param.name, param.type));
    b.graph().value(params.back()).is_trainable = true;
    const ChannelSlice* slice = slice_of(slices, id);
    joint.gradients.push_back(accumulator(b, param, slice));
    if (slice != nullptr) joint.slices[params.back()] = *slice;
  }
  joint.graph = std::move(b.graph());
  return add_updates(std::move(joint), params, optimizer);
}

}  // namespace verge::graph
