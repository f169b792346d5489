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

struct COptions {
  std::string name = "net";  // of the functions and files: a C identifier
  std::string origin = {};   // said at the top: the model's file
  std::string verb = "run";  // net_run(...); of a training step net_step(...)
};

struct CSource {
  std::string header;
  std::string source;
  int64_t arena_bytes = 0;
  int64_t constant_bytes = 0;  // weights
  int64_t kept_bytes = 0;      // trained weights and states
};

/// All extents are taken at their bounds. Fails with Unsupported naming every node that has no C,
/// with its layer; NotFound for a weight that is missing.
Result<CSource> emit_c(const graph::Graph& graph, const graph::ParameterValues& parameters,
                       const COptions& options);

/// Passes that make no C better and join what C has apart.
std::vector<std::string> passes_without_c();

}  // namespace verge::emit
