#include <algorithm>
#include <cstring>
#include <limits>

#include <verge/engine/runtime/tensor_slices.hpp>

namespace verge::runtime {
namespace {

// What a run takes in a file, beside its values.
constexpr int64_t kRunBytes = sizeof(SliceRun);

using Mask = std::vector<bool>;

// Which indices of each axis have a byte that differs.
class ChangedIndices {
 public:
  ChangedIndices(const TensorView& before, const TensorView& after)
      : before_(before), after_(after) {
    for (int axis = 0; axis < before.shape.rank(); ++axis) {
      masks_.emplace_back(static_cast<size_t>(axis_layout(before, axis).count));
    }
    if (masks_.empty()) return;
    const AxisLayout last = axis_layout(before, before.shape.rank() - 1);
    for (int64_t row = 0; row < last.outer; ++row) mark_row(row, last);
  }

  const Mask& along(int axis) const { return masks_[static_cast<size_t>(axis)]; }

 private:
  void mark_row(int64_t row, const AxisLayout& last) {
    const int64_t row_bytes = last.count * last.slice_bytes;
    const std::byte *a = before_.as<std::byte>() + row * row_bytes,
                    *b = after_.as<std::byte>() + row * row_bytes;
    if (std::memcmp(a, b, static_cast<size_t>(row_bytes)) == 0) return;
    for (size_t axis = masks_.size() - 1; axis-- > 0;) {
      const auto extent = static_cast<int64_t>(masks_[axis].size());
      masks_[axis][static_cast<size_t>(row % extent)] = true;
      row /= extent;
    }
    const auto width = static_cast<size_t>(last.slice_bytes);
    for (int64_t i = 0; i < last.count; ++i, a += width, b += width) {
      if (std::memcmp(a, b, width) != 0) masks_.back()[static_cast<size_t>(i)] = true;
    }
  }

  const TensorView &before_, &after_;
  std::vector<Mask> masks_;
};

// Runs that are nearer to each other than a run is long in a file are one.
std::vector<SliceRun> runs_of(const Mask& mask, int64_t bytes_of_index) {
  std::vector<SliceRun> runs;
  for (size_t i = 0; i < mask.size(); ++i) {
    if (!mask[i]) continue;
    const auto index = static_cast<uint32_t>(i);
    if (!runs.empty()) {
      SliceRun& last = runs.back();
      const int64_t gap = index - (last.begin + last.count);
      if (gap * bytes_of_index <= kRunBytes) {
        last.count = index + 1 - last.begin;
        continue;
      }
    }
    runs.push_back({index, 1});
  }
  return runs;
}

}  // namespace

AxisLayout axis_layout(const TensorView& tensor, int axis) {
  const DTypeInfo& type = info(tensor.dtype);
  AxisLayout layout{1, 1, type.block_bytes};
  const int last = tensor.shape.rank() - 1;
  for (int i = 0; i <= last; ++i) {
    const int64_t extent = i == last ? tensor.shape[i] / type.block_size : tensor.shape[i];
    (i < axis ? layout.outer : i == axis ? layout.count : layout.slice_bytes) *= extent;
  }
  return layout;
}

int64_t TensorSlices::count() const {
  int64_t sum = 0;
  for (const SliceRun& run : runs) sum += run.count;
  return sum;
}

int64_t bytes_of(const TensorView& tensor, const TensorSlices& slices) {
  if (slices.is_whole()) return tensor.bytes();
  const AxisLayout layout = axis_layout(tensor, slices.axis);
  return layout.outer * slices.count() * layout.slice_bytes;
}

std::optional<TensorSlices> changed_slices(const TensorView& before, const TensorView& after) {
  const auto bytes = static_cast<size_t>(before.bytes());
  if (bytes == 0 || std::memcmp(before.data, after.data, bytes) == 0) return std::nullopt;
  const ChangedIndices changed(before, after);
  TensorSlices best;
  int64_t least = before.bytes();
  for (int axis = 0; axis < before.shape.rank(); ++axis) {
    const AxisLayout layout = axis_layout(before, axis);
    if (layout.count > std::numeric_limits<uint32_t>::max()) continue;
    TensorSlices slices{axis, runs_of(changed.along(axis), layout.outer * layout.slice_bytes)};
    const int64_t size = bytes_of(before, slices) + std::ssize(slices.runs) * kRunBytes;
    if (size >= least) continue;
    least = size;
    best = std::move(slices);
  }
  return best;
}

}  // namespace verge::runtime
