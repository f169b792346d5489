#pragma once
// Surroundings: what a delta between two model files says of all that is no tensor: the order of
// the tensors in the result and, of what lies between them, what replaces the base's.
//
// Layout: u64 hash of the base's gaps, u64 hash of the result's (TensorFile::gaps_hash), u64 count
// and u32 the base's tensors in the order of the result, 0 for the base's own; u64 count of gaps
// that changed, ascending, of each u64 number, u64 bytes that stay before and u64 behind, u64
// length and bytes of what stands between those.

#include <map>
#include <vector>

#include <verge/engine/model/tensor_file.hpp>
#include <verge/engine/runtime/delta_file.hpp>

namespace verge::model {

/// Never empty: where nothing differs they still bind the base's gaps. Fails with InvalidArgument
/// where one has a tensor that the other has not.
Result<std::vector<std::byte>> surroundings_between(const TensorFile& base,
                                                    const TensorFile& tuned);

class Surroundings {
 public:
  /// Those of the result, the base's own where the delta is of tensors alone; `base` and the
  /// delta's bytes must outlive them. Fails with Malformed for what is damaged, Conflict for
  /// another base.
  static Result<Surroundings> read(const runtime::Delta& delta, const TensorFile& base);

  /// Which of the base's tensors is the i-th of the result.
  size_t tensor(size_t i) const { return order_.empty() ? i : order_[i]; }
  /// Calls f(bytes) for the pieces of what lies before the result's tensor i, or behind the last.
  template <typename F>
  void for_each_piece(size_t i, F f) const {
    const auto gap = base_->gap(i);
    const auto patch = patches_.find(i);
    if (patch == patches_.end()) return f(gap);
    f(gap.first(patch->second.before));
    f(patch->second.bytes);
    f(gap.last(patch->second.behind));
  }

 private:
  struct Patch {
    uint64_t before = 0, behind = 0;  // bytes of the base's gap
    std::span<const std::byte> bytes = {};
  };

  explicit Surroundings(const TensorFile& base) : base_(&base) {}
  Status read_order(runtime::CheckedReader& reader, const std::string& path);
  Status read_patches(runtime::CheckedReader& reader, const std::string& path);
  uint64_t hash() const;

  const TensorFile* base_;
  std::vector<uint32_t> order_;
  std::map<size_t, Patch> patches_;
};

}  // namespace verge::model
