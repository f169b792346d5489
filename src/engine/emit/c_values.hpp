#pragma once
// CValues: where each value of a Graph lives in its C source. Inputs and outputs are arguments,
// activations lie in the arena where the planner put them, weights are constants, and what survives
// runs (trained weights, moments, KV caches) are static arrays. Numbers are floats in C whatever
// real type the Graph has them in (f64 is rounded); integers keep theirs. What products read block
// by block (c_blocks.hpp) stays as it is stored, and caches of f16 are 16 bits of each number.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <verge/engine/emit/c_names.hpp>
#include <verge/engine/graph/passes/fold_affine.hpp>
#include <verge/engine/graph/planner.hpp>

namespace verge::emit {

/// Bytes of a static array, aligned so that C's vectors may read it.
struct CArray {
  graph::ValueId id = 0;
  DType dtype = DType::F32;
  std::string name;
};

class CValues {
 public:
  CValues(const graph::Graph& graph, const graph::ParameterValues& parameters);

  /// Whether C has a place for the value: no place have outputs of nodes that nobody reads.
  bool is_stored(graph::ValueId id) const;
  /// C for a pointer to the elements as `as`; empty where they are of another kind.
  std::string read(graph::ValueId id, DType as);
  std::string write(graph::ValueId id, DType as);
  /// Whether a value is a constant of blocks or of 16-bit floats.
  bool has_bytes(graph::ValueId id) const;
  /// C for a pointer to the bytes of such a one, as they are stored.
  std::string read_bytes(graph::ValueId id);

  /// The inputs and outputs of the Graph, in its order, and the arguments that they are in C.
  const std::vector<CArray>& inputs() const { return inputs_; }
  const std::vector<CArray>& outputs() const { return outputs_; }
  /// Copies the results to the outputs.
  std::string copy_outputs();

  int64_t arena_bytes() const { return memory_.arena_bytes; }
  int64_t constant_bytes() const;
  /// Of trained weights, and of states: moments, caches of keys and values.
  int64_t kept_bytes() const;
  int64_t state_bytes() const;
  /// What survives runs.
  const std::vector<CArray>& kept() const { return kept_; }

  /// "static const float w_1[144];" for each array, before the functions.
  std::string declarations() const;
  /// The same with their elements, behind them. Fails with NotFound for a weight that is missing,
  /// Malformed for one of another shape.
  Result<std::string> definitions() const;

 private:
  graph::ValueId home(graph::ValueId id) const;
  std::string place(graph::ValueId id);
  std::string constant(graph::ValueId id, DType as);
  DType stored_dtype(graph::ValueId id) const;
  Result<TensorView> stored(const CArray& array) const;
  std::string declaration(const CArray& array, bool is_const) const;
  Result<std::string> elements(const CArray& array) const;
  Result<std::string> bytes(const CArray& array) const;
  void place_activations();
  int64_t bytes_of_kept(graph::ValueKind kind) const;

  const graph::Graph& graph_;
  const graph::ParameterValues& parameters_;
  graph::MemoryPlan memory_;
  CNames names_;
  std::vector<std::string> places_;  // by value; empty: none yet
  std::vector<graph::ValueId> view_of_;
  std::vector<CArray> inputs_, outputs_, kept_, constants_, buffers_;
  std::map<std::pair<graph::ValueId, DType>, std::string> constant_names_;
};

/// The type of an element in C: f32 for every real type, but the 16 bits of a cache of f16.
DType c_dtype(DType dtype);
std::string_view c_type(DType dtype);

}  // namespace verge::emit
