#pragma once
// The IR: every model, for inference or training, is a Graph of Values (SSA) joined by Nodes,
// listed in execution order. Extents are constants or multiples of a symbol with an upper bound
// (tokens, batch): memory is planned at the bound, kernels run at the actual extent. Mutable state
// (parameters in training, KV pages, moments) is a State or Param value that a node overwrites
// through `alias_of`.
//
// A Graph is a plain value: copy it, share it read-only. Build one with Builder (builder.hpp),
// change it with passes (passes/), read and write it as text (text_form.hpp).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/core/shape.hpp>
#include <verge/core/tensor.hpp>

namespace verge::graph {

struct OpDef;

using ValueId = int32_t;
using NodeId = int32_t;
using SymbolId = int16_t;
/// An absent optional input, or an output that nobody reads.
constexpr ValueId kNone = -1;

/// One extent: `factor`, or `factor` times the extent of a symbol.
struct Dim {
  int64_t factor = 1;
  SymbolId symbol = -1;

  Dim() = default;
  Dim(int64_t constant) : factor(constant) {}
  Dim(int64_t multiple, SymbolId of) : factor(multiple), symbol(of) {}
  bool is_constant() const { return symbol < 0; }
  bool operator==(const Dim&) const = default;
};
using Dims = std::vector<Dim>;

/// A named extent that is known only when a Plan runs, at most `bound`.
struct Symbol {
  std::string name;
  int64_t bound;
};

struct Type {
  DType dtype = DType::F32;
  Dims dims;
  bool operator==(const Type&) const = default;
};

enum class ValueKind : uint8_t {
  Input,       // given at each run
  Param,       // weights; immutable unless an update node aliases it
  State,       // survives runs: KV pages, optimizer moments
  Const,       // known at compile time; holds its data
  Activation,  // computed by a node, lives in the arena
};

struct Value {
  std::string name;
  Type type;
  ValueKind kind = ValueKind::Activation;
  bool is_output = false;              // read by the caller after a run
  bool is_trainable = false;           // a Param that the training step updates
  ValueId alias_of = kNone;            // this value overwrites that one's memory
  std::shared_ptr<const Tensor> data;  // of a Const
};

enum class Phase : uint8_t { Forward, Backward, Update };

using Attr = std::variant<int64_t, double, std::string, std::vector<int64_t>>;

/// Named constants of a node, sorted by name.
class Attrs {
 public:
  Attrs() = default;
  Attrs(std::initializer_list<std::pair<std::string, Attr>> entries);

  void set(std::string_view name, Attr value);
  bool has(std::string_view name) const { return find(name) != nullptr; }
  int64_t integer(std::string_view name, int64_t otherwise = 0) const;
  double real(std::string_view name, double otherwise = 0) const;
  std::string_view text(std::string_view name, std::string_view otherwise = "") const;
  const std::vector<int64_t>& list(std::string_view name) const;
  const std::vector<std::pair<std::string, Attr>>& entries() const { return entries_; }
  bool operator==(const Attrs&) const = default;

 private:
  const Attr* find(std::string_view name) const;
  std::vector<std::pair<std::string, Attr>> entries_;
};

struct Node {
  const OpDef* op = nullptr;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  Attrs attrs;
  Phase phase = Phase::Forward;
  std::string source;  // the layer it comes from, "blk.3.attn": named in errors and profiles
};

struct Graph {
  std::string name;
  std::vector<Symbol> symbols;
  std::vector<Value> values;
  std::vector<Node> nodes;

  const Value& value(ValueId id) const { return values[static_cast<size_t>(id)]; }
  Value& value(ValueId id) { return values[static_cast<size_t>(id)]; }
  /// The value of this name, or kNone.
  ValueId find(std::string_view value_name) const;
  /// All extents at their upper bounds.
  Shape bound_shape(const Type& type) const;
  /// All extents with `extents[symbol]` filled in.
  Shape actual_shape(const Type& type, std::span<const int64_t> extents) const;
  /// The value whose memory this one uses, through all aliases.
  ValueId root(ValueId id) const;
};

/// Bytes of a value at the upper bound of its extents.
int64_t bound_bytes(const Graph& graph, ValueId id);

/// Checks that the graph is well formed: ids in range, every value defined once and before its use,
/// types as the operators' rules say, and no value read after a node has overwritten it. The error
/// names the node, its layer and the mismatch.
Status verify(const Graph& graph);

}  // namespace verge::graph
