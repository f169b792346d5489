#pragma once
// Network: rules as states and loose edges, before what can never end is cut away and the edges are
// sorted (automaton.hpp).

#include <cstdint>
#include <map>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/engine/text/grammar/rules.hpp>

namespace verge::text::grammar {

struct Network {
  enum class EdgeKind : uint8_t { Byte, Call, Skip };
  struct Edge {
    int32_t from;
    int32_t to;
    EdgeKind kind;
    ByteRange bytes = {};  // Byte
    int32_t called = -1;   // Call: index in `parts`
  };
  /// A rule, or an expression that is repeated so often that it became one.
  struct Part {
    int32_t start;
    int32_t end;
    int32_t rule;  // it, or the one it stands in
  };

  int32_t states = 0;
  std::vector<Edge> edges;
  std::vector<Part> parts;  // [0] is the root
};

/// The rules that `root` reaches. Unsupported: more than kMaxStates states or as many edges.
Result<Network> make_network(const Rules& rules, int32_t root);

}  // namespace verge::text::grammar
