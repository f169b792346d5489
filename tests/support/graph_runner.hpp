#pragma once
// Runs a graph with the reference kernels only: the oracle for kernels, passes and the executor.
//
//   GraphRunner runner(graph, {3});          // the extent of each symbol
//   runner.set("x", {1, 2, 3});
//   runner.run();
//   runner.get("y");                          // the values, as doubles

#include <cstring>
#include <map>
#include <string_view>
#include <vector>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::support {

class GraphRunner {
 public:
  explicit GraphRunner(const graph::Graph& graph, std::vector<int64_t> extents = {})
      : graph_(graph), tensors_(graph.values.size()) {
    for (size_t id = 0; id < graph.values.size(); ++id) {
      const graph::Value& value = graph.values[id];
      tensors_[id] = Tensor(value.type.dtype, graph.actual_shape(value.type, extents));
      if (value.data != nullptr) copy(value.data->view(), tensors_[id].view());
    }
  }

  /// Inputs, params and states are zero until set; params and states keep what a run made of them.
  void set(std::string_view name, const std::vector<double>& values) {
    graph::store(tensor(name), values);
  }
  std::vector<double> get(std::string_view name) const { return graph::load(tensor(name)); }
  std::vector<double> get(graph::ValueId id) const {
    return graph::load(tensors_[static_cast<size_t>(id)].view());
  }
  /// The memory of a value, for types that set() cannot write.
  const TensorView& tensor(std::string_view name) const {
    const graph::ValueId id = graph_.find(name);
    VERGE_CHECK(id != graph::kNone, name);
    return tensors_[static_cast<size_t>(id)].view();
  }

  void run() {
    for (const graph::Node& node : graph_.nodes) run(node);
    for (size_t id = 0; id < graph_.values.size(); ++id) {  // in order: the last overwriter wins
      if (graph_.values[id].alias_of == graph::kNone) continue;
      const auto root = static_cast<size_t>(graph_.root(static_cast<graph::ValueId>(id)));
      copy(tensors_[id].view(), tensors_[root].view());
    }
  }

 private:
  static void copy(const TensorView& from, const TensorView& to) {
    VERGE_CHECK(from.bytes() == to.bytes(), from.bytes(), to.bytes());
    std::memcpy(to.data, from.data, static_cast<size_t>(from.bytes()));
  }

  std::vector<TensorView> views(const std::vector<graph::ValueId>& ids) const {
    std::vector<TensorView> views;
    for (graph::ValueId id : ids) {
      views.push_back(id == graph::kNone ? TensorView{} : tensors_[static_cast<size_t>(id)].view());
    }
    return views;
  }

  // An output that overwrites an input starts as a copy of it, so the input itself stays readable.
  void run(const graph::Node& node) {
    for (graph::ValueId id : node.outputs) {
      if (id == graph::kNone || graph_.value(id).alias_of == graph::kNone) continue;
      copy(tensors_[static_cast<size_t>(graph_.value(id).alias_of)].view(),
           tensors_[static_cast<size_t>(id)].view());
    }
    const std::vector<TensorView> inputs = views(node.inputs), outputs = views(node.outputs);
    node.op->reference({inputs, outputs, node.attrs});
  }

  const graph::Graph& graph_;
  std::vector<Tensor> tensors_;
};

}  // namespace verge::support
