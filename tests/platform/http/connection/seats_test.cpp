#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include <verge/platform/http/connection/seats.hpp>

namespace verge::http {
namespace {

using Kind = Seats::Kind;

TEST(Seats, CountUntilTheyAreGivenBack) {
  Seats seats(2, 0);
  std::optional<Seats::Seat> a(seats.take("x"));
  const Seats::Seat b = seats.take("x");
  EXPECT_EQ(a->kind(), Kind::Regular);
  EXPECT_FALSE(seats.is_over());
  {
    const Seats::Seat c = seats.take("x");
    EXPECT_EQ(c.kind(), Kind::BeyondAll);
    EXPECT_TRUE(seats.is_over());
    EXPECT_EQ(seats.taken(), 3);
  }
  EXPECT_FALSE(seats.is_over());
  const Seats::Seat moved = std::move(*a);
  a.reset();
  EXPECT_EQ(seats.taken(), 2) << "the moved seat counts once";
}

TEST(Seats, EachAddressHasItsShare) {
  Seats seats(100, 2);
  std::vector<Seats::Seat> taken;
  taken.push_back(seats.take("a"));
  taken.push_back(seats.take("a"));
  EXPECT_EQ(seats.take("a").kind(), Kind::BeyondAddress);
  EXPECT_EQ(seats.take("b").kind(), Kind::Regular);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(seats.take("").kind(), Kind::Regular);
  taken.pop_back();
  EXPECT_EQ(seats.take("a").kind(), Kind::Regular);
}

}  // namespace
}  // namespace verge::http
