#include <limits>

#include <gtest/gtest.h>

#include <verge/stages/serve/collab/field_reader.hpp>

namespace verge::serve {
namespace {

// Others are reckoned from it: `context - position` must not overflow.
TEST(FieldReader, OfAnIntegerThatIsRefusedTheNearestLegalOneIsTaken) {
  using Limits = std::numeric_limits<int64_t>;
  for (const auto& [value, taken] :
       {std::pair(Limits::min(), int64_t{3}), std::pair(Limits::max(), int64_t{9})}) {
    FieldReader reader("word");
    EXPECT_EQ(reader.integer("count", value, 3, 9), taken);
    ASSERT_FALSE(reader.status().ok());
    EXPECT_EQ(reader.status().error().message,
              fmt::format("word: count is {}; it must be 3 to 9", value));
  }
  FieldReader reader("word");
  for (const int64_t value : {3, 5, 9}) EXPECT_EQ(reader.integer("count", value, 3, 9), value);
  EXPECT_TRUE(reader.status().ok());
}

}  // namespace
}  // namespace verge::serve
