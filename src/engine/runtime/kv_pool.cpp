#include <verge/engine/runtime/kv_pool.hpp>

namespace verge::runtime {

KvPool::KvPool(int32_t pages) : users_(static_cast<size_t>(pages)) {
  for (int32_t page = pages; page-- > 0;) free_.push_back(page);
}

Result<int32_t> KvPool::allocate() {
  if (free_.empty()) {
    return make_error(Code::OutOfMemory,
                      "all {} pages of the KV cache are in use; use a larger --context", pages());
  }
  const int32_t page = free_.back();
  free_.pop_back();
  users_[static_cast<size_t>(page)] = 1;
  return page;
}

void KvPool::retain(int32_t page) {
  VERGE_CHECK(users_[static_cast<size_t>(page)] > 0, page);
  ++users_[static_cast<size_t>(page)];
}

void KvPool::release(int32_t page) {
  VERGE_CHECK(users_[static_cast<size_t>(page)] > 0, page);
  if (--users_[static_cast<size_t>(page)] == 0) free_.push_back(page);
}

}  // namespace verge::runtime
