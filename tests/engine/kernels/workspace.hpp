#pragma once
// A workspace aligned as kernels want it, behind which nothing may be written.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace verge::kernels {

class Workspace {
 public:
  explicit Workspace(size_t bytes) : storage_(bytes + 2 * kAlignment), bytes_(bytes) {
    std::fill_n(begin() + bytes_, kAlignment, kCanary);
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() {
    EXPECT_EQ(std::count(begin() + bytes_, begin() + bytes_ + kAlignment, kCanary), 64);
  }

  void* get() { return begin(); }

 private:
  static constexpr size_t kAlignment = 64;
  static constexpr std::byte kCanary{0x5a};

  std::byte* begin() {
    const auto at = reinterpret_cast<uintptr_t>(storage_.data());
    return storage_.data() + (kAlignment - at % kAlignment) % kAlignment;
  }

  std::vector<std::byte> storage_;
  size_t bytes_;
};

}  // namespace verge::kernels
