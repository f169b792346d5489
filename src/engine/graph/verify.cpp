#include <verge/engine/graph/ir.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::graph {
namespace {

class Verifier {
 public:
  explicit Verifier(const Graph& graph)
      : graph_(graph), defined_(graph.values.size()), overwritten_by_(graph.values.size(), kNone) {
    for (size_t id = 0; id < graph.values.size(); ++id) {
      defined_[id] = graph.values[id].kind != ValueKind::Activation;
    }
  }

  Status run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      node_ = &graph_.nodes[n];
      VERGE_RETURN_IF_ERROR(check_inputs());
      VERGE_RETURN_IF_ERROR(check_types());
      VERGE_RETURN_IF_ERROR(define_outputs(static_cast<NodeId>(n)));
    }
    return {};
  }

 private:
  template <typename... Args>
  Error fail(fmt::format_string<Args...> format, Args&&... args) const {
    return make_error(Code::Malformed, "{} ({}): {}", node_->op->name, node_->source,
                      fmt::format(format, std::forward<Args>(args)...));
  }

  bool in_range(ValueId id) const {
    return id >= 0 && static_cast<size_t>(id) < graph_.values.size();
  }

  Status check_inputs() const {
    for (ValueId id : node_->inputs) {
      if (id == kNone) continue;
      if (!in_range(id)) return fail("input id {} of {} values", id, graph_.values.size());
      if (!defined_[static_cast<size_t>(id)]) {
        return fail("reads {} before it is computed", graph_.value(id).name);
      }
      const NodeId writer = overwritten_by_[static_cast<size_t>(id)];
      if (writer != kNone) {
        return fail("reads {} after {} has overwritten it", graph_.value(id).name,
                    graph_.nodes[static_cast<size_t>(writer)].op->name);
      }
    }
    return {};
  }

  Status check_types() const {
    InferContext context{graph_, *node_, {}};
    VERGE_RETURN_IF_ERROR(node_->op->infer(context));
    if (context.outputs.size() != node_->outputs.size()) {
      return fail("has {} outputs, its rule gives {}", node_->outputs.size(),
                  context.outputs.size());
    }
    for (size_t i = 0; i < node_->outputs.size(); ++i) {
      const ValueId id = node_->outputs[i];
      if (id == kNone) continue;
      if (!in_range(id)) return fail("output id {} of {} values", id, graph_.values.size());
      if (graph_.value(id).type != context.outputs[i]) {
        return fail("{} does not have the type its rule gives", graph_.value(id).name);
      }
    }
    return {};
  }

  Status define_outputs(NodeId n) {
    for (ValueId id : node_->outputs) {
      if (id == kNone) continue;
      if (defined_[static_cast<size_t>(id)]) {
        return fail("computes {} a second time", graph_.value(id).name);
      }
      defined_[static_cast<size_t>(id)] = true;
      const ValueId target = graph_.value(id).alias_of;
      if (target == kNone) continue;
      if (!in_range(target) || target == id) return fail("output aliases value {}", target);
      overwritten_by_[static_cast<size_t>(target)] = n;
    }
    return {};
  }

  const Graph& graph_;
  const Node* node_ = nullptr;
  std::vector<bool> defined_;
  std::vector<NodeId> overwritten_by_;
};

}  // namespace

Status verify(const Graph& graph) {
  return Verifier(graph).run();
}

}  // namespace verge::graph
