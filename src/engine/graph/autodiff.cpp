#include <algorithm>
#include <numeric>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {
namespace {

// Reals, and levels of activations, whose gradients are by levels (level_gradient.hpp). Masks and
// indices are u8.
bool has_gradient(DType dtype) {
  return dtype == DType::F32 || dtype == DType::F64 || dtype == DType::F16 ||
         dtype == DType::BF16 || dtype == DType::I8;
}

// Outputs that passes left out because nobody reads them: rules of gradients may.
Status restore_outputs(Graph& graph) {
  for (Node& node : graph.nodes) {
    if (std::ranges::find(node.outputs, kNone) == node.outputs.end()) continue;
    InferContext context{graph, node, {}};
    VERGE_RETURN_IF_ERROR(node.op->infer(context));
    for (size_t i = 0; i < node.outputs.size() && i < context.outputs.size(); ++i) {
      if (node.outputs[i] != kNone) continue;
      node.outputs[i] = static_cast<ValueId>(graph.values.size());
      Value& value = graph.values.emplace_back();
      value.name = fmt::format("%{}", graph.values.size() - 1);
      value.type = context.outputs[i];
    }
  }
  return {};
}

class Differentiator {
 public:
  Differentiator(Graph forward, ValueId loss, ChannelSlices slices)
      : slices_(std::move(slices)),
        forward_nodes_(forward.nodes.size()),
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
        if (any && id != kNone && has_gradient(builder_.type(id).dtype)) {
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
    if (builder_.failed()) return {};
    Node node = builder_.graph().nodes[index];  // a copy: the list grows below
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
    for (const ValueId input : node.inputs) {
      if (const auto at = slices_.find(input); at != slices_.end()) {
        set_wanted_slice(node, at->second);
      }
    }
    builder_.source(node.source);
    GradientContext context{builder_,
                            node,
                            output_grads,
                            {needed.get(), node.inputs.size()},
                            std::vector<ValueId>(node.inputs.size(), kNone)};
    node.op->gradient(context);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!needed[i]) continue;
      VERGE_RETURN_IF_ERROR(contribute(node, node.inputs[i], context.input_grads[i]));
    }
    return {};
  }

  Dims gradient_dims(ValueId of) {
    Dims dims = builder_.type(of).dims;
    if (const auto at = slices_.find(of); at != slices_.end()) {
      dims.at(static_cast<size_t>(at->second.axis)) =
          static_cast<int64_t>(at->second.channels.size());
    }
    return dims;
  }

  // The first contribution is the gradient; further ones are added to it.
  Status contribute(const Node& node, ValueId to, ValueId contribution) {
    if (contribution == kNone || builder_.failed()) return {};
    const Dims& found = builder_.type(contribution).dims;
    if (slices_.contains(to) && found == builder_.type(to).dims && found != gradient_dims(to)) {
      return make_error(Code::Unsupported,
                        "{} ({}): no gradient of single channels of {}; update all of it or none",
                        node.op->name, node.source, builder_.graph().value(to).name);
    }
    VERGE_CHECK(found == gradient_dims(to), node.op->name, show_dims(builder_.graph(), found),
                show_dims(builder_.graph(), gradient_dims(to)));
    ValueId& sum = gradient_[static_cast<size_t>(to)];
    sum = sum == kNone ? contribution : builder_.op("add", {sum, contribution});
    return {};
  }

  // What rules took of forward values is taken as soon as these are there.
  static void move_saved_forward(Graph& graph, size_t forward_nodes) {
    const std::vector<NodeId> producers = producers_of(graph);
    std::vector<std::pair<NodeId, bool>> key(graph.nodes.size());
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      key[n] = {static_cast<NodeId>(n), false};
      if (n < forward_nodes || graph.nodes[n].phase != Phase::Forward) continue;
      key[n] = {producers[static_cast<size_t>(graph.nodes[n].inputs[0])], true};
    }
    std::vector<size_t> order(graph.nodes.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, {}, [&](size_t n) { return key[n]; });
    reorder_nodes(graph, order);
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
    const auto takes_in_forward = [](const Node& node) { return node.phase == Phase::Forward; };
    if (std::any_of(joint.graph.nodes.begin() + static_cast<std::ptrdiff_t>(forward_nodes_),
                    joint.graph.nodes.end(), takes_in_forward)) {
      move_saved_forward(joint.graph, forward_nodes_);
    }
    joint.slices = std::move(slices_);
    return joint;
  }

  ChannelSlices slices_;
  size_t forward_nodes_;
  std::vector<bool> need_;
  std::vector<ValueId> gradient_;  // by forward value
  Builder builder_;
  ValueId loss_;
};

}  // namespace

Result<JointGraph> differentiate(Graph forward, ValueId loss, const std::vector<ValueId>& trainable,
                                 ChannelSlices slices) {
  VERGE_RETURN_IF_ERROR(restore_outputs(forward));
  return Differentiator(std::move(forward), loss, std::move(slices)).run(trainable);
}

}  // namespace verge::graph
