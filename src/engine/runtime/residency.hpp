#pragma once
// Residency: which weights of a model stay in memory and which pass through a window of it
// (weight_stream.hpp), so that all of it keeps below a ceiling. A part of what compiling decides:
// it needs no weights.
//
// Weights are read in the same order at every run, so that whatever was read longest ago is wanted
// next: a cache that keeps the last ones would never hit. A fixed set stays instead. Small matrices
// first, since short reads cost most; then those of one size, spread evenly over the layers, so
// that the storage has its work while others compute.

#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include <verge/engine/runtime/program.hpp>
#include <verge/engine/runtime/weight_stream.hpp>

namespace verge::runtime {

/// What a model takes beside its weights, at the most.
struct FixedMemory {
  int64_t kv_bytes = 0;
  int64_t arena_bytes = 0;    // of all programs, with their inputs
  int64_t process_bytes = 0;  // whatever else a ceiling counts: code, tokenizer, buffers
  int64_t later_bytes = 0;    // kept for programs that are made later: added_bytes()
  int64_t total() const { return kv_bytes + arena_bytes + process_bytes + later_bytes; }
};

struct Residency {
  std::set<std::string, std::less<>> streamed = {};  // weights whose products are read each run
  std::set<std::string, std::less<>> by_rows = {};   // tables of which each run reads its rows
  StreamWindow window = {};
  int64_t pinned_bytes = 0;    // of weights in memory
  int64_t streamed_bytes = 0;  // of each run
  int64_t window_bytes = 0;    // of the streamed ones: their slots; of the tables: their rows
  FixedMemory fixed = {};

  int64_t total() const { return pinned_bytes + window_bytes + fixed.total(); }
  bool streams() const { return !streamed.empty() || !by_rows.empty(); }
};

/// What the programs of one model take: the arenas and inputs of all, the states that they share.
FixedMemory fixed_memory(std::span<const Program* const> programs);

/// What one more program of the model takes beside the others: its arena, its inputs, and the rows
/// that it looks up in tables that are read by rows. `residency` null: all weights are in memory.
int64_t added_bytes(const Program& program, const Residency* residency);

/// Chooses for a ceiling on weights, window and fixed memory together (`beside`: its process_bytes
/// and later_bytes); everything stays where that fits. `is_stored` says of a weight whether it can
/// be read from a file whenever it is wanted. Fails with OutOfMemory, naming the least ceiling that
/// does and what takes it.
Result<Residency> plan_residency(std::span<const Program* const> programs, int64_t ceiling_bytes,
                                 const FixedMemory& beside,
                                 const std::function<bool(std::string_view)>& is_stored);

}  // namespace verge::runtime
