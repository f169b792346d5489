#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/platform/http/connection/input_buffer.hpp>

namespace verge::http {
namespace {

TEST(InputBuffer, HoldsWhatIsNotConsumed) {
  Rng rng(1);
  InputBuffer buffer;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    const size_t room = 1 + rng.below(i % 100 == 0 ? 100'000 : 3000);
    const std::span<char> space = buffer.space(room);
    ASSERT_GE(space.size(), room);
    const size_t consumed = rng.below(static_cast<uint32_t>(expected.size()) + 1);
    buffer.consume(consumed);  // while a read is under way
    expected.erase(0, consumed);
    const size_t filled = rng.below(static_cast<uint32_t>(room) + 1);
    std::fill_n(space.begin(), filled, static_cast<char>('a' + i % 26));
    expected.append(filled, static_cast<char>('a' + i % 26));
    buffer.commit(filled);
    ASSERT_EQ(buffer.view(), expected);
    ASSERT_EQ(buffer.size(), expected.size());
    if (rng.below(50) == 0) {
      buffer.clear();
      expected.clear();
    }
  }
}

}  // namespace
}  // namespace verge::http
