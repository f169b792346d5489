#pragma once
// emit_c: a Graph as C99. The header names inputs and outputs with their shapes and declares
//   int net_run(const float *in_x, ..., float *out_y, ...);
// the source has the planner's arena as one static buffer, the weights as constants and a function
// for each kind of operator that the Graph uses. It allocates nothing and calls libc's memcpy and
// libm alone. One that trains keeps its weights and moments between calls (net_kept).

#include <string>

#include <verge/engine/graph/ir.hpp>
#include <verge/engine/graph/passes/fold_affine.hpp>

namespace verge::emit {

/// Elements of an integer input are at least 0 and less than `end`: the C refuses others, and the
/// header says so by NAME_INPUT_END.
struct CRange {
  std::string input;
  int64_t end = 0;
};

struct COptions {
  std::string name = "net";  // of the functions and files: a C identifier
  std::string origin = {};   // said at the top: the model's file
  std::string verb = "run";  // net_run(...); of a training step net_step(...)
  std::vector<CRange> ranges = {};
  std::string note = {};  // whole lines of the comment before the function, in the header
};

struct CSource {
  std::string header;
  std::string source;
  int64_t arena_bytes = 0;
  int64_t constant_bytes = 0;  // weights
  int64_t kept_bytes = 0;      // trained weights
  int64_t state_bytes = 0;     // moments, caches of keys and values
};

/// All extents are taken at their bounds. Fails with Unsupported naming every node that has no C,
/// with its layer; NotFound for a weight that is missing.
Result<CSource> emit_c(const graph::Graph& graph, const graph::ParameterValues& parameters,
                       const COptions& options);

/// Passes that make no C better and join what C has apart.
std::vector<std::string> passes_without_c();

}  // namespace verge::emit
