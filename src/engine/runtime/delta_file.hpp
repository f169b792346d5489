#pragma once
// The file of a delta: of a model's tensors those slices that changed against a base, bound to the
// base's hash and to the result's.
//
// Layout, little endian: "VERGEDLT", u32 version 2, u64 hash of the base, u64 hash of the result,
// u64 tensors and u64 bytes of the model, u64 count; for each changed tensor, in the order of their
// names: its header (tensor_record.hpp), i32 axis (-1: the whole), u64 runs, of each u32 begin and
// u32 count, the values in the order of memory; u64 length and bytes of what a caller keeps beside
// the tensors; last the XXH3 of all before. Version 1 has whole tensors alone: after the hashes the
// count, then headers and values.

#include <string>

#include <verge/engine/runtime/tensor_record.hpp>
#include <verge/engine/runtime/tensor_slices.hpp>

namespace verge::runtime {

/// What changed of a tensor.
struct TensorDelta {
  std::string name = {};
  DType dtype = DType::F32;
  Shape shape = {};
  TensorSlices slices = {};
  std::span<const std::byte> values = {};

  bool fits(const TensorView& view) const { return dtype == view.dtype && shape == view.shape; }
};

struct DeltaHead {
  uint32_t version = 2;
  uint64_t base = 0, result = 0;          // hash_of()
  uint64_t tensors = 0, model_bytes = 0;  // of the model; 0 in version 1

  bool has_size() const { return version > 1; }
};

struct Delta {
  std::string path = {};
  DeltaHead head = {};
  std::vector<TensorDelta> changes = {};  // in the order of their names
  std::span<const std::byte> surroundings = {};
};

/// A delta and the mapping that its bytes lie in.
struct DeltaFile {
  MappedFile file;
  Delta delta;
};

/// Whether a file begins as a delta does.
bool is_delta(const std::string& path);

/// Fails with Malformed for a damaged file, Unsupported for one of a later version.
Result<DeltaFile> open_delta(const std::string& path);
/// The same for what lies between magic word and checksum, which must outlive the result.
Result<Delta> parse_delta(std::span<const std::byte> content, std::string path);

/// A tensor as it is after the change, and where that is.
struct ChangedTensor {
  std::string_view name = {};
  TensorView view = {};
  TensorSlices slices = {};
};

/// The size of the file, which is written whole or not at all.
Result<uint64_t> write_delta_file(const std::string& path, const DeltaHead& head,
                                  const std::vector<ChangedTensor>& changes,
                                  std::span<const std::byte> surroundings);

}  // namespace verge::runtime
