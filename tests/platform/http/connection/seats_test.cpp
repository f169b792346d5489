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
  Seats::Seat b = seats.take("x");
  EXPECT_EQ(a->kind(), Kind::Regular);
  EXPECT_TRUE(a->sit() && a->sit() && b.sit());
  {
    Seats::Seat c = seats.take("x");
    EXPECT_FALSE(c.sit());
    EXPECT_EQ(seats.taken(), 3);
  }
  Seats::Seat moved = std::move(*a);
  a.reset();
  EXPECT_EQ(seats.taken(), 2) << "the moved seat counts once";
  EXPECT_FALSE(seats.take("x").sit());
}

// Those that have not been adopted yet keep nobody out.
TEST(Seats, WhoStandsTakesNone) {
  Seats seats(1, 0);
  const Seats::Seat a = seats.take("x");
  {
    Seats::Seat b = seats.take("x");
    EXPECT_TRUE(b.sit());
    Seats::Seat c = seats.take("x");
    EXPECT_FALSE(c.sit());
  }
  EXPECT_TRUE(seats.take("x").sit());
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
