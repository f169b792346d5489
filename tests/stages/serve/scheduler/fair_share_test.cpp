#include <gtest/gtest.h>

#include <verge/core/result.hpp>
#include <verge/stages/serve/scheduler/fair_share.hpp>

namespace verge::serve {
namespace {

TEST(FairShare, ChargesEachTenantByItself) {
  FairShare fair;
  fair.charge("large", 100);
  fair.charge("large", 25);
  fair.charge("small", 10);
  EXPECT_EQ(fair.served("large"), 125);
  EXPECT_EQ(fair.served("small"), 10);
  EXPECT_EQ(fair.served("unheard of"), 0);
}

TEST(FairShare, NobodySavesUpWhileAway) {
  FairShare fair;
  fair.arrive("busy");
  fair.arrive("busy");
  fair.charge("busy", 1000);
  fair.arrive("back");  // had nothing all the while
  EXPECT_EQ(fair.served("back"), 1000);
  fair.charge("back", 5);
  fair.arrive("back");  // still there: no lift, nor a fall
  EXPECT_EQ(fair.served("back"), 1005);
}

TEST(FairShare, IsLiftedToTheLeastOfThoseWhoWait) {
  FairShare fair;
  fair.arrive("a");
  fair.charge("a", 50);
  fair.arrive("b");
  fair.charge("b", 500);
  fair.arrive("c");
  EXPECT_EQ(fair.served("c"), 50);
}

TEST(FairShare, WhereNobodyWaitsTheLastWhoDidIsTheLevel) {
  FairShare fair;
  fair.arrive("a");
  fair.charge("a", 70);
  fair.leave("a");
  fair.arrive("b");
  EXPECT_EQ(fair.served("b"), 70);
}

TEST(FairShare, LeavingWithoutWaitingIsABug) {
  FairShare fair;
  EXPECT_THROW(fair.leave("nobody"), InternalError);
}

}  // namespace
}  // namespace verge::serve
