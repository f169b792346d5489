#include <map>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/runtime/kv_pool.hpp>

namespace verge::runtime {
namespace {

TEST(KvPool, CountsUsersAsAModelDoes) {
  constexpr int32_t kPages = 9;
  KvPool pool(kPages);
  std::map<int32_t, int> users;
  Rng rng(3, 0);
  for (int step = 0; step < 2000; ++step) {
    if (rng.below(2) == 0) {
      const auto page = pool.allocate();
      ASSERT_EQ(page.ok(), users.size() < kPages);
      if (page) {
        ASSERT_TRUE(users.emplace(*page, 1).second) << "handed out twice";
      }
    } else if (!users.empty()) {
      auto at = std::next(users.begin(), rng.below(static_cast<uint32_t>(users.size())));
      if (rng.below(3) == 0) {
        pool.retain(at->first);
        ++at->second;
      } else {
        pool.release(at->first);
        if (--at->second == 0) users.erase(at);
      }
    }
    ASSERT_EQ(pool.free_pages(), kPages - static_cast<int32_t>(users.size()));
    for (const auto& [page, count] : users) ASSERT_EQ(pool.is_shared(page), count > 1);
  }
}

TEST(KvPool, HandsOutTheLowestFirstAndNamesTheRemedy) {
  KvPool pool(2);
  EXPECT_EQ(*pool.allocate(), 0);
  EXPECT_EQ(*pool.allocate(), 1);
  const auto none = pool.allocate();
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, Code::OutOfMemory);
  EXPECT_NE(none.error().message.find("--context"), std::string::npos);
}

TEST(KvPool, ReleasingAFreePageIsABug) {
  KvPool pool(1);
  EXPECT_THROW(pool.release(0), InternalError);
}

}  // namespace
}  // namespace verge::runtime
