#pragma once
// Scratch: carves a caller's workspace into arrays. Run on a null base it only counts, so one
// function lays a workspace out and says how large it is. Internal to this module.

#include <cstddef>
#include <cstdint>

namespace verge::kernels {

class Scratch {
 public:
  explicit Scratch(void* base) : base_(static_cast<std::byte*>(base)) {}

  template <typename T>
  T* take(int64_t count) {
    const int64_t at = used_;
    used_ += (count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
    return base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + at);
  }
  int64_t used() const { return used_; }

 private:
  std::byte* base_;
  int64_t used_ = 0;
};

}  // namespace verge::kernels
