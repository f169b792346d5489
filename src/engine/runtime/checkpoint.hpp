#pragma once
// Checkpoints: named tensors, a step number and a note, in one file with a checksum. Written
// atomically, so a kill at any moment leaves the last good one.
//
// Layout, little endian: "VERGECKP", u32 version, u64 step, note, u64 count, then for each tensor
// its name, u32 dtype, u32 rank, i64 extents, bytes; last the XXH3 of all before. Strings are u64
// length and bytes.

#include <string>
#include <utility>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/core/tensor.hpp>

namespace verge::runtime {

struct Checkpoint {
  uint64_t step = 0;
  std::string note;  // whatever the owner must find unchanged: options, data
  std::vector<std::pair<std::string, TensorView>> tensors;
};

Status write_checkpoint(const std::string& path, const Checkpoint& checkpoint);

/// Reads step and note, and copies each tensor into the one of the same name in `into`. Fails with
/// Malformed for a damaged file (nothing is copied), Conflict when notes, names, types or shapes
/// differ.
Status read_checkpoint(const std::string& path, Checkpoint& into);

}  // namespace verge::runtime
