#pragma once
// Folding: finds the parts of a graph that repeat, as the layers of a Transformer do, so that a
// picture shows one of them and says how often it comes.

#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

/// Nodes [first, first + period * repeats): `repeats` times the same operators, attributes and
/// extents, wired in the same way. Types of weights may differ, as quantization recipes make them.
struct Fold {
  size_t first = 0, period = 0, repeats = 0;
  size_t end() const { return first + period * repeats; }
  bool has(size_t node) const { return node >= first && node < end(); }
  /// The node of the first repetition that stands for this one.
  size_t shown(size_t node) const { return first + (node - first) % period; }
};

/// All repetitions worth folding, in order, none within another.
std::vector<Fold> find_folds(const Graph& graph);

/// "blk.3" of "blk.3.attn"; a source without a number is itself.
std::string layer_of(std::string_view source);

/// What two names share: "blk.N.attn" of blk.0.attn and blk.1.attn.
std::string common_name(std::string_view a, std::string_view b);

}  // namespace verge::graph
