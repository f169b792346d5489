#include <algorithm>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {
namespace {

bool is_real(DType dtype) {
  return dtype == DType::F32 || dtype == DType::F64 || dtype == DType::F16 || dtype == DType::BF16;
}

class Differentiator {
 public:
  Differentiator(Graph forward, ValueId loss)
      : forward_nodes_(forward.nodes.size()),
        need_(forward.values.size()),
        gradient_(forward.values.size(), kNone),
        builder_(std::move(forward)),
        loss_(loss) {
    builder_.phase(Phase::Backward);
  }

  Result<JointGraph> run(const std::vector<ValueId>& trainable) {
    mark(trainable);
    if (!need(loss_)) {
      return make_error(Code::InvalidArgument, "{}: no trainable value influences the loss",
                        builder_.graph().name);
    }
    seed();
    for (size_t i = forward_nodes_; i-- > 0;) VERGE_RETURN_IF_ERROR(visit(i));
    return finish(trainable);
  }

 private:
  bool need(ValueId id) const { return need_[static_cast<size_t>(id)]; }

  // A value needs a gradient if it is trainable or computed from one that needs it.
  void mark(const std::vector<ValueId>& trainable) {
    for (ValueId id : trainable) {
      need_[static_cast<size_t>(id)] = true;
      builder_.graph().value(id).is_trainable = true;
    }
    for (const Node& node : builder_.graph().nodes) {
      const bool any =
          std::ranges::any_of(node.inputs, [&](ValueId id) { return id != kNone && need(id); });
      for (ValueId id : node.outputs) {
        if (any && id != kNone && is_real(builder_.type(id).dtype)) {
          need_[static_cast<size_t>(id)] = true;
        }
      }
    }
  }

  // d loss / d loss = 1.
  void seed() {
    const Type type = builder_.type(loss_);
    Tensor one(compute_dtype(type.dtype), builder_.graph().bound_shape(type));
    if (one.dtype() == DType::F64) {
      std::ranges::fill(one.span<double>(), 1.0);
    } else {
      std::ranges::fill(one.span<float>(), 1.0f);
    }
    gradient_[static_cast<size_t>(loss_)] = builder_.constant("loss.gradient", std::move(one));
  }

  Status visit(size_t index) {
    const Node node = builder_.graph().nodes[index];  // a copy: the list grows below
    std::vector<ValueId> output_grads;
    for (ValueId id : node.outputs) {
      output_grads.push_back(id == kNone ? kNone : gradient_[static_cast<size_t>(id)]);
    }
    const auto needed = std::make_unique<bool[]>(node.inputs.size());
    bool any = false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      needed[i] = node.inputs[i] != kNone && need(node.inputs[i]);
      any = any || needed[i];
    }
    const bool flows = std::ranges::any_of(output_grads, [](ValueId id) { return id != kNone; });
    if (!any || !flows) return {};
    if (node.op->gradient == nullptr) {
      return make_error(Code::Unsupported,
                        "{} ({}): this operator has no gradient; train only what "
                        "comes after it",
                        node.op->name, node.source);
    }
    builder_.source(node.source);
    GradientContext context{builder_,
                            node,
                            output_grads,
                            {needed.get(), node.inputs.size()},
                            std::vector<ValueId>(node.inputs.size(), kNone)};
    node.op->gradient(context);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (needed[i]) contribute(node, node.inputs[i], context.input_grads[i]);
    }
    return {};
  }

  // The first contribution is the gradient; further ones are added to it.
  void contribute(const Node& node, ValueId to, ValueId contribution) {
    if (contribution == kNone || builder_.failed()) return;
    VERGE_CHECK(builder_.type(contribution).dims == builder_.type(to).dims, node.op->name,
                show_dims(builder_.graph(), builder_.type(contribution).dims),
                show_dims(builder_.graph(), builder_.type(to).dims));
    ValueId& sum = gradient_[static_cast<size_t>(to)];
    sum = sum == kNone ? contribution : builder_.op("add", {sum, contribution});
  }

  Result<JointGraph> finish(const std::vector<ValueId>& trainable) {
    JointGraph joint;
    for (ValueId id : trainable) {
      const ValueId gradient = gradient_[static_cast<size_t>(id)];
      if (gradient == kNone && !builder_.failed()) {
        return make_error(Code::InvalidArgument, "{} does not influence the loss: freeze it",
                          builder_.graph().value(id).name);
      }
      joint.gradients.push_back(gradient);
    }
    VERGE_TRY(joint.graph, builder_.finish());
    return joint;
  }

  size_t forward_nodes_;
  std::vector<bool> need_;
  std::vector<ValueId> gradient_;  // by forward value
  Builder builder_;
  ValueId loss_;
};

// Emits the updates of one optimizer.
class Updater {
 public:
  Updater(Graph graph, const OptimizerSpec& spec, DType real)
      : builder_(std::move(graph)), spec_(spec) {
    builder_.phase(Phase::Update);
    lr_ = builder_.input("lr", {real, {}});
    if (spec.kind == OptimizerKind::AdamW) step_ = builder_.input("step", {DType::I64, {}});
  }

  void update(ValueId param, ValueId gradient) {
    if (builder_.failed()) return;
    builder_.source(builder_.graph().value(param).name);
    if (spec_.max_norm > 0) {
      gradient = builder_.op("clip_grad", {gradient}, {{"max_norm", spec_.max_norm}});
    }
    const double decay = builder_.type(param).dims.size() >= 2 ? spec_.weight_decay : 0;
    const std::vector<ValueId> updated = emit(param, gradient, decay);
    for (size_t i = 0; i < updated.size(); ++i) {
      Graph& graph = builder_.graph();
      Value& value = graph.value(updated[i]);
      value.name = graph.value(value.alias_of).name + "'";
    }
  }

  Result<Graph> finish() { return builder_.finish(); }

 private:
  ValueId moment(ValueId param, std::string_view suffix) {
    const Type type = builder_.type(param);
    return builder_.state(builder_.graph().value(param).name + std::string(suffix),
                          {compute_dtype(type.dtype), type.dims});
  }

  std::vector<ValueId> emit(ValueId param, ValueId gradient, double decay) {
    switch (spec_.kind) {
      case OptimizerKind::AdamW:
        return builder_.op_all(
            "adamw", {param, gradient, moment(param, ".m"), moment(param, ".v"), step_, lr_},
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
  ValueId lr_ = kNone;
  ValueId step_ = kNone;
};

}  // namespace

Result<JointGraph> differentiate(Graph forward, ValueId loss,
                                 const std::vector<ValueId>& trainable) {
  return Differentiator(std::move(forward), loss).run(trainable);
}

Result<Graph> add_updates(JointGraph joint, const std::vector<ValueId>& trainable,
                          const OptimizerSpec& optimizer) {
  VERGE_CHECK(trainable.size() == joint.gradients.size(), trainable.size(), joint.gradients.size());
  const DType real =
      std::ranges::any_of(
          trainable, [&](ValueId id) { return joint.graph.value(id).type.dtype == DType::F64; })
          ? DType::F64
          : DType::F32;
  Updater updater(std::move(joint.graph), optimizer, real);
  for (size_t i = 0; i < trainable.size(); ++i) updater.update(trainable[i], joint.gradients[i]);
  return updater.finish();
}

}  // namespace verge::graph
