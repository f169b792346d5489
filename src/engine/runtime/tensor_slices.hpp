#pragma once
// Slices of a tensor: runs of indices along one axis, as rows of a matrix (axis 0) or its input
// channels (axis 1), or the whole of it. Along the last axis of a block type an index is a block.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <verge/core/tensor.hpp>

namespace verge::runtime {

/// A tensor seen along one axis: `outer` times `count` slices of `slice_bytes`.
struct AxisLayout {
  int64_t outer = 1, count = 1, slice_bytes = 0;
};
AxisLayout axis_layout(const TensorView& tensor, int axis);

struct SliceRun {
  uint32_t begin = 0, count = 0;

  bool operator==(const SliceRun&) const = default;
};

struct TensorSlices {
  static constexpr int kWhole = -1;

  int axis = kWhole;
  std::vector<SliceRun> runs = {};  // ascending, apart; none of the whole

  bool is_whole() const { return axis == kWhole; }
  int64_t count() const;
};

/// Bytes of the values of these slices.
int64_t bytes_of(const TensorView& tensor, const TensorSlices& slices);

/// The slices that hold every byte that differs, along the axis that makes them smallest in a file;
/// nothing where none differs. Both are of one type and shape.
std::optional<TensorSlices> changed_slices(const TensorView& before, const TensorView& after);

/// Calls f(offset, bytes) for each contiguous piece of the slices, in the order of memory.
template <typename F>
void for_each_piece(const TensorView& tensor, const TensorSlices& slices, F f) {
  if (slices.is_whole()) {
    f(int64_t{0}, tensor.bytes());
    return;
  }
  const AxisLayout layout = axis_layout(tensor, slices.axis);
  for (int64_t i = 0; i < layout.outer; ++i) {
    for (const SliceRun& run : slices.runs) {
      f((i * layout.count + run.begin) * layout.slice_bytes, run.count * layout.slice_bytes);
    }
  }
}

/// Calls f(bytes) for the pieces of `tensor` with `slices` replaced by `values`, in the order of
/// memory.
template <typename F>
void for_each_merged(const TensorView& tensor, const TensorSlices& slices,
                     std::span<const std::byte> values, F f) {
  const std::span<const std::byte> old{tensor.as<std::byte>(), static_cast<size_t>(tensor.bytes())};
  size_t done = 0, taken = 0;
  for_each_piece(tensor, slices, [&](int64_t offset, int64_t bytes) {
    const auto begin = static_cast<size_t>(offset), length = static_cast<size_t>(bytes);
    if (begin > done) f(old.subspan(done, begin - done));
    f(values.subspan(taken, length));
    taken += length;
    done = begin + length;
  });
  if (done < old.size()) f(old.subspan(done));
}

}  // namespace verge::runtime
