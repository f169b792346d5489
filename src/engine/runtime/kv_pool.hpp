#pragma once
// KvPool: hands out the pages of a paged KV cache and counts who uses them, so that sequences can
// share a common beginning (Kwon et al. 2023). It manages numbers only; the memory is the Plans'
// kv.N states. Not thread-safe: one scheduler owns it.

#include <cstdint>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::runtime {

class KvPool {
 public:
  explicit KvPool(int32_t pages);

  /// A free page with one user. Fails with OutOfMemory when none is left.
  Result<int32_t> allocate();
  void retain(int32_t page);
  /// One user less; the page is free at zero.
  void release(int32_t page);
  bool is_shared(int32_t page) const { return users_[static_cast<size_t>(page)] > 1; }
  int32_t users(int32_t page) const { return users_[static_cast<size_t>(page)]; }

  int32_t pages() const { return static_cast<int32_t>(users_.size()); }
  int32_t free_pages() const { return static_cast<int32_t>(free_.size()); }

 private:
  std::vector<int32_t> users_;
  std::vector<int32_t> free_;  // the lowest page last, so that memory is touched from the start
};

}  // namespace verge::runtime
