#pragma once
// What lower_int8 shares between its parts: the graph while its nodes become nodes on levels.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/graph/ir.hpp>
#include <verge/engine/graph/passes/fold_affine.hpp>
#include <verge/engine/graph/passes/int8_weights.hpp>

namespace verge::graph {

/// An activation by its levels.
struct LevelView {
  ValueId levels = kNone;
  double scale = 1;
  int64_t zero = 0;
};

/// What is done to a value on its way to levels: those of a node `quantize`, or none, for floats.
struct LevelTarget {
  DType to = DType::F32;
  double scale = 1;
  int64_t zero = 0, low = 0, high = 0;

  LevelTarget() = default;
  explicit LevelTarget(const Node& quantize);

  int64_t level(double value) const;
  bool has_level_of_zero() const;
  bool is_clipped() const;
  /// Whether a value that becomes levels so is worth at most `factor` times what f32 holds.
  bool holds(double factor) const;
  /// {to, y_zero, low, high} of levels.hpp.
  void write(Attrs& attrs) const;
};

/// The old nodes, and the new ones in the order in which they are emitted. Values keep their ids.
class LevelGraph {
 public:
  LevelGraph(Graph& graph, const ParameterValues& parameters)
      : graph_(graph), parameters_(parameters) {}

  /// Takes the graph's nodes as the old ones; finish() gives it the new ones.
  void start();
  void finish();

  const std::vector<Node>& old_nodes() const { return old_; }
  const Graph& graph() const { return graph_; }
  const Node* producer(ValueId id) const;
  const Dims& dims(ValueId id) const { return graph_.value(id).type.dims; }
  DType dtype(ValueId id) const { return graph_.value(id).type.dtype; }
  /// How often the value is read, by callers of the graph as well.
  size_t uses(ValueId id) const { return uses_[static_cast<size_t>(id)]; }

  /// The levels behind a value of floats, through moves, which then move levels, once each.
  std::optional<LevelView> levels_of(ValueId id);
  /// The levels mean what those of the target do.
  bool is_of(const LevelView& x, const LevelTarget& target) const;
  std::optional<TensorView> constant(ValueId id) const;
  std::optional<Int8Weight> weight(ValueId id) const;
  std::optional<Tensor> bias(ValueId id, const std::vector<double>& units) const;

  void keep(Node node) { nodes_.push_back(std::move(node)); }
  void emit(std::string_view op, std::vector<ValueId> inputs, ValueId output, Attrs attrs,
            const Node& like);
  /// A value named after `like`.
  ValueId add_value(ValueId like, std::string_view what, Type type);
  ValueId add_constant(ValueId like, std::string_view what, Tensor data);

 private:
  std::optional<LevelView> dequantized(const Node& node) const;
  ValueId emit_moved(ValueId id, const LevelView& x);

  Graph& graph_;
  const ParameterValues& parameters_;
  std::vector<Node> old_, nodes_;
  std::vector<NodeId> producers_;
  std::vector<size_t> uses_;
  std::map<ValueId, std::optional<LevelView>> levels_;  // of moved values
};

}  // namespace verge::graph
