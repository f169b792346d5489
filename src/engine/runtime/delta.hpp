#pragma once
// Delta files: of a model that was trained further, only the tensors that changed against its base.
// What a device sends after fine-tuning and what a server adds to a base it has.
//
// Layout, little endian: "VERGEDLT", u32 version, u64 hash of the base, u64 hash of the result,
// u64 count, then the changed tensors (tensor_record.hpp); last the XXH3 of all before.

#include <string>

#include <verge/core/result.hpp>
#include <verge/engine/runtime/tensor_record.hpp>

namespace verge::runtime {

/// XXH3 over names, types, shapes and bytes, in the order of the names.
uint64_t hash_of(const NamedTensors& tensors);

struct DeltaSize {
  size_t changed = 0;  // tensors
  size_t tensors = 0;  // of the model
  int64_t bytes = 0;   // of those that changed
};

/// `base` and `now` are the same tensors, before and after. Fails with InvalidArgument where names,
/// types or shapes differ, else as files do; the file is written whole or not at all.
Result<DeltaSize> write_delta(const std::string& path, const NamedTensors& base,
                              const NamedTensors& now);

/// Turns the base into the result, in place. Fails with Malformed for a damaged file or a result
/// that is not the one promised, Conflict where `tensors` are not the base; then nothing has
/// changed.
Result<DeltaSize> apply_delta(const std::string& path, const NamedTensors& tensors);

}  // namespace verge::runtime
