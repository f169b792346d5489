#include <algorithm>

#include <verge/engine/graph/ir.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/type_check.hpp>

namespace verge::graph {
namespace {

class Verifier {
 public:
  explicit Verifier(const Graph& graph)
      : graph_(graph),
        defined_(graph.values.size()),
        memory_(graph.values.size()),
        sharers_(graph.values.size()),
        overwritten_by_(graph.values.size(), kNone) {
    for (size_t id = 0; id < graph.values.size(); ++id) {
      defined_[id] = graph.values[id].kind != ValueKind::Activation;
      own_memory(static_cast<ValueId>(id));
    }
  }

  Status run() {
    VERGE_RETURN_IF_ERROR(check_symbols(graph_));
    for (const Value& value : graph_.values) VERGE_RETURN_IF_ERROR(check_value(value));
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      node_ = &graph_.nodes[n];
      VERGE_RETURN_IF_ERROR(check_inputs());
      VERGE_RETURN_IF_ERROR(check_types());
      VERGE_RETURN_IF_ERROR(define_outputs(static_cast<NodeId>(n)));
    }
    return {};
  }

 private:
  Status check_value(const Value& value) const {
    const auto refuse = [&](std::string_view why) {
      return make_error(Code::Malformed, "value {}: {}", value.name, why);
    };
    if (const Status status = check_type(graph_, value.type); !status) {
      return refuse(status.error().message);
    }
    if (value.alias_of != kNone && value.kind != ValueKind::Activation) {
      return refuse("only a node's result can overwrite another value");
    }
    const bool is_const = value.kind == ValueKind::Const;
    const bool has_data = value.data != nullptr;
    if (is_const != has_data) return refuse("a constant must have data, and nothing else may");
    if (has_data && (value.data->dtype() != value.type.dtype ||
                     value.data->shape() != graph_.bound_shape(value.type))) {
      return refuse("data of another type");
    }
    return {};
  }

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
    VERGE_RETURN_IF_ERROR(infer(context));
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

  // A rule takes an attribute to have the kind that builders give it: another one is a bug there,
  // and bad input in a file.
  Status infer(InferContext& context) const {
    try {
      return node_->op->infer(context);
    } catch (const std::bad_variant_access&) {
      return fail("an attribute is of another kind than the operator's");
    } catch (const InternalError& error) {
      return fail("{}", error.what());
    }
  }

  // Operators that write in place do so wherever their input is given.
  Status check_aliases() const {
    for (const Alias& alias : node_->op->aliases) {
      const auto input = static_cast<size_t>(alias.input);
      const auto output = static_cast<size_t>(alias.output);
      if (!alias.required || input >= node_->inputs.size() || node_->inputs[input] == kNone)
        continue;
      const ValueId id = node_->outputs[output];
      if (id != kNone && graph_.value(id).alias_of != node_->inputs[input]) {
        return fail("{} must overwrite input {}", graph_.value(id).name, input);
      }
    }
    return {};
  }

  Status define_outputs(NodeId n) {
    VERGE_RETURN_IF_ERROR(check_aliases());
    for (ValueId id : node_->outputs) {
      if (id == kNone) continue;
      if (defined_[static_cast<size_t>(id)]) {
        return fail("computes {} a second time", graph_.value(id).name);
      }
      defined_[static_cast<size_t>(id)] = true;
      const ValueId target = graph_.value(id).alias_of;
      if (target == kNone) {
        if (node_->op->is_view) share_memory(id, node_->inputs[0]);
        continue;
      }
      if (!in_range(target) || !defined_[static_cast<size_t>(target)] || target == id ||
          !is_declared_alias(id, target)) {
        return fail("output aliases value {}", target);
      }
      // Not the target alone: its views, and what it overwrote, are the same memory.
      for (ValueId sharer : sharers_[static_cast<size_t>(memory_of(target))]) {
        overwritten_by_[static_cast<size_t>(sharer)] = n;
      }
      share_memory(id, target);
    }
    return {};
  }

  // Whether the operator updates this input in place and calls the result `id`.
  bool is_declared_alias(ValueId id, ValueId target) const {
    if (graph_.value(target).type != graph_.value(id).type) return false;
    return std::ranges::any_of(node_->op->aliases, [&](const Alias& alias) {
      const auto output = static_cast<size_t>(alias.output);
      const auto input = static_cast<size_t>(alias.input);
      return alias.required && output < node_->outputs.size() && node_->outputs[output] == id &&
             input < node_->inputs.size() && node_->inputs[input] == target;
    });
  }

  ValueId memory_of(ValueId id) const { return memory_[static_cast<size_t>(id)]; }
  void own_memory(ValueId id) {
    memory_[static_cast<size_t>(id)] = id;
    sharers_[static_cast<size_t>(id)] = {id};
  }
  void share_memory(ValueId id, ValueId with) {
    memory_[static_cast<size_t>(id)] = memory_of(with);
    sharers_[static_cast<size_t>(memory_of(with))].push_back(id);
  }

  const Graph& graph_;
  const Node* node_ = nullptr;
  std::vector<bool> defined_;
  std::vector<ValueId> memory_;                // the first value in the same memory
  std::vector<std::vector<ValueId>> sharers_;  // by that value: all in its memory so far
  std::vector<NodeId> overwritten_by_;
};

}  // namespace

Status verify(const Graph& graph) {
  return Verifier(graph).run();
}

}  // namespace verge::graph
