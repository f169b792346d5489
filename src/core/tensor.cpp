#include <cstdlib>
#include <cstring>
#include <new>

#include <verge/core/tensor.hpp>

namespace verge {

void AlignedDelete::operator()(void* memory) const {
  std::free(memory);
}

AlignedBuffer allocate_aligned(size_t bytes) {
  constexpr size_t kAlignment = 64;
  const size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  void* memory = std::aligned_alloc(kAlignment, rounded == 0 ? kAlignment : rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return AlignedBuffer(static_cast<std::byte*>(memory));
}

Tensor::Tensor(DType dtype, Shape shape) : view_{nullptr, dtype, shape} {
  const auto bytes = static_cast<size_t>(view_.bytes());
  memory_ = allocate_aligned(bytes);
  std::memset(memory_.get(), 0, bytes);
  view_.data = memory_.get();
}

}  // namespace verge
