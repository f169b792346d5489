#pragma once
// Deltas (delta_file.hpp) between the same tensors before and after: what a device sends after
// fine-tuning and what a server adds to a base it has. Base and slices give the result, bit for
// bit.

#include <atomic>
#include <functional>
#include <string>

#include <verge/core/result.hpp>
#include <verge/engine/runtime/delta_file.hpp>

namespace verge::runtime {

/// XXH3 over names, types, shapes and bytes, in the order of the names.
uint64_t hash_of(const NamedTensors& tensors);

struct DeltaSize {
  size_t changed = 0;       // tensors
  size_t tensors = 0;       // of the model
  int64_t bytes = 0;        // of the slices that changed
  int64_t model_bytes = 0;  // of all tensors
  uint64_t file_bytes = 0;
};

/// Is told of bytes passed over, of how many; may cancel.
struct DeltaWatch {
  std::function<void(int64_t done_bytes, int64_t all_bytes)> progress = {};
  const std::atomic<bool>* cancel = nullptr;
};

/// `base` and `now` are the same tensors, before and after; `surroundings` go along unread. Fails
/// with InvalidArgument where names, types or shapes differ, Cancelled, else as files do; the file
/// is written whole or not at all.
Result<DeltaSize> write_delta(const std::string& path, const NamedTensors& base,
                              const NamedTensors& now, std::span<const std::byte> surroundings = {},
                              const DeltaWatch& watch = {});

/// Of each of `tensors` the change that the delta has for it, or null. Fails with Conflict where
/// they are not its base, Malformed where the result would not be the one promised, Cancelled.
Result<std::vector<const TensorDelta*>> match_delta(const Delta& delta, const NamedTensors& tensors,
                                                    const DeltaWatch& watch = {});

/// Puts the slices in their places.
void apply_change(const TensorDelta& change, const TensorView& tensor);

/// Turns the base into the result, in place. Fails as open_delta and match_delta do; then nothing
/// has changed.
Result<DeltaSize> apply_delta(const std::string& path, const NamedTensors& tensors);

/// As its file says: no tensors and bytes of the model in version 1.
DeltaSize size_of(const DeltaFile& file);
/// What a delta is for a model of these tensors.
DeltaSize size_of(const DeltaFile& file, const NamedTensors& tensors);

}  // namespace verge::runtime
