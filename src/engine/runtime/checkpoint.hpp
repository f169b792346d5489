#pragma once
// Checkpoints: named tensors, a step number, the optimizer and a note, in one file with a checksum.
// Written atomically, so a kill at any moment leaves the last good one.
//
// Layout, little endian: "VERGECKP", u32 version, u64 step, optimizer, note, u64 count, then the
// tensors (tensor_record.hpp); last the XXH3 of all before. Strings are u64 length and bytes.

#include <string>

#include <verge/core/result.hpp>
#include <verge/engine/runtime/tensor_record.hpp>

namespace verge::runtime {

struct Checkpoint {
  uint64_t step = 0;
  std::string note;  // whatever the owner must find unchanged: options, data
  NamedTensors tensors;
  std::string optimizer = {};  // what made the moments; must be found unchanged, too
};

Status write_checkpoint(const std::string& path, const Checkpoint& checkpoint);

/// Reads the step, and copies each tensor into the one of the same name in `into`. Fails with
/// Malformed for a damaged file (nothing is copied), Conflict when optimizers, notes, names, types
/// or shapes differ.
Status read_checkpoint(const std::string& path, Checkpoint& into);

}  // namespace verge::runtime
