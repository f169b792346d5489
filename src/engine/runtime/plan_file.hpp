#pragma once
// PlanFile: compiled programs as a versioned file (.vplan): each graph in its binary form, the
// kernel of each node, every buffer's place in the arena, threads and instruction set, and the
// identity of the model whose weights they need. Reading one builds no graph, runs no pass and
// plans no memory; it checks. Every byte is distrusted: what does not verify as a graph, names a
// kernel that this build would not choose, or places two live values on each other is refused.

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <verge/engine/runtime/program.hpp>

namespace verge::runtime {

struct PlanFile {
  std::string model;                                      // identity of the weights
  std::vector<std::pair<std::string, Program>> programs;  // by name, as "prefill" and "decode"
  std::string settings = {};  // what else its owner must know, of a training plan JSON

  /// The program of this name, or nullptr.
  const Program* find(std::string_view name) const;
};

/// Atomically, with a checksum (XXH3).
Status write_plan_file(const std::string& path, const PlanFile& plan);

/// Fails with Malformed for a damaged file, Unsupported for another version of the format or an
/// operator or kernel that this build does not have, Conflict for another instruction set or
/// kernels that this build would not choose: the remedy is to compile anew.
Result<PlanFile> read_plan_file(const std::string& path);

/// What lies between magic word and checksum.
std::vector<std::byte> plan_content(const PlanFile& plan);
Result<PlanFile> parse_plan(std::span<const std::byte> content);

}  // namespace verge::runtime
