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

}  // namespace

Result<JointGraph> differentiate(Graph forward, ValueId loss,
                                 const std::vector<ValueId>& trainable) {
  return Differentiator(std::move(forward), loss).run(trainable);
}

}  // namespace verge::graph
