#include <set>

#include <gtest/gtest.h>

#include <verge/stages/serve/scheduler/scheduler.hpp>

namespace verge::serve {
namespace {

TEST(Snapshot, StatesHaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const LoadState state :
       {LoadState::Unloaded, LoadState::Loading, LoadState::Ready, LoadState::Failed}) {
    names.insert(name(state));
  }
  EXPECT_EQ(names.size(), 4u);
}

TEST(Snapshot, TimePerTokenIsOfTheGapsBetweenTokens) {
  Timings timings;
  timings.decode_s = 3;
  EXPECT_EQ(timings.time_per_output_token_s(4), 1);
  EXPECT_EQ(timings.time_per_output_token_s(1), 0);
}

}  // namespace
}  // namespace verge::serve
