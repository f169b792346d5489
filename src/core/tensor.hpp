#pragma once
// Tensor: a typed array with a shape. TensorView points at memory it does not own; Tensor owns it.
// Rows are contiguous and dense. Plain data: share between threads as one shares a vector.

#include <cstddef>
#include <memory>
#include <span>

#include <verge/core/dtype.hpp>
#include <verge/core/shape.hpp>

namespace verge {

struct TensorView {
  void* data = nullptr;
  DType dtype = DType::F32;
  Shape shape;

  int64_t bytes() const { return bytes_of(dtype, shape.count()); }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
  /// All values as a span; T must match the dtype's storage.
  template <typename T>
  std::span<T> span() const {
    return {static_cast<T*>(data), static_cast<size_t>(shape.count())};
  }
};

/// Memory aligned to 64 bytes (a cache line and an AVX-512 vector); large blocks take huge pages.
struct AlignedDelete {
  void operator()(void* memory) const;
};
using AlignedBuffer = std::unique_ptr<std::byte[], AlignedDelete>;
AlignedBuffer allocate_aligned(size_t bytes);

class Tensor {
 public:
  Tensor() = default;
  /// Zero-filled.
  Tensor(DType dtype, Shape shape);

  const TensorView& view() const { return view_; }
  const Shape& shape() const { return view_.shape; }
  DType dtype() const { return view_.dtype; }
  template <typename T>
  std::span<T> span() const {
    return view_.span<T>();
  }

 private:
  AlignedBuffer memory_;
  TensorView view_;
};

}  // namespace verge
