#pragma once
// A workspace aligned as kernels want it.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace verge::kernels {

class Workspace {
 public:
  explicit Workspace(size_t bytes) : storage_(bytes + 64) {}
  void* get() {
    return reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(storage_.data()) + 63) / 64 * 64);
  }

 private:
  std::vector<std::byte> storage_;
};

}  // namespace verge::kernels
