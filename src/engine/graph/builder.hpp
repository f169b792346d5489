#pragma once
// Builder: makes a Graph node by node and checks each one. The first mistake is kept and returned
// by finish(); after it, every call returns kNone, so model code needs no checks of its own.
//
//   Builder b("mlp");
//   const SymbolId tokens = b.symbol("tokens", 512);
//   ValueId x = b.input("x", {DType::F32, {Dim(1, tokens), 64}});
//   ValueId y = b.op("linear", {x, b.param("w", {DType::Q4_0, {32, 64}})});
//   b.output(y, "y");
//   Result<Graph> graph = b.finish();

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

class Builder {
 public:
  explicit Builder(std::string name);
  /// Continues an existing graph; new nodes are appended.
  explicit Builder(Graph graph) : graph_(std::move(graph)) {}

  SymbolId symbol(std::string name, int64_t bound);
  ValueId input(std::string name, Type type);
  ValueId param(std::string name, Type type);
  ValueId state(std::string name, Type type);
  ValueId constant(std::string name, Tensor data);

  /// Appends a node; returns its first output.
  ValueId op(std::string_view name, std::vector<ValueId> inputs, Attrs attrs = {});
  /// Appends a node; returns all its outputs (empty after a mistake).
  std::vector<ValueId> op_all(std::string_view name, std::vector<ValueId> inputs, Attrs attrs = {});
  void output(ValueId value, std::string name);

  /// Nodes appended from here on carry this phase, and this layer name.
  void phase(Phase phase) { phase_ = phase; }
  void source(std::string layer) { source_ = std::move(layer); }
  /// Reports a mistake of the model code's own (a missing tensor, a bad hyper-parameter).
  void fail(Error error);
  bool failed() const { return failed_; }

  const Graph& graph() const { return graph_; }
  Graph& graph() { return graph_; }
  const Type& type(ValueId value) const { return graph_.value(value).type; }
  Result<Graph> finish();

 private:
  ValueId add_value(std::string name, Type type, ValueKind kind);

  Graph graph_;
  Phase phase_ = Phase::Forward;
  std::string source_;
  bool failed_ = false;
  Error error_;
};

}  // namespace verge::graph
