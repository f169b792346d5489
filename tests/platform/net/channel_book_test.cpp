#include <gtest/gtest.h>

#include <verge/platform/net/channel_book.hpp>
#include <verge/platform/net/link/channel_pair.hpp>

namespace verge::net {
namespace {

TEST(ChannelBook, CountsWhatIsOpenAndWhatWas) {
  ChannelBook book;
  EXPECT_EQ(book.totals().channels, 0);
  const ChannelPair one = make_channel_pair(), two = make_channel_pair();
  const auto stays = book.enter(*one.first, "phone");
  ASSERT_TRUE(one.first->send({.kind = 1, .body = "abc"}).ok());
  const int64_t sent = one.first->counters().bytes_sent;
  EXPECT_GT(sent, 0);
  {
    const auto goes = book.enter(*two.first, "phone");
    ASSERT_TRUE(two.second->send({.kind = 1, .body = "abcdef"}).ok());
    ASSERT_TRUE(two.first->receive(1).ok());
    EXPECT_EQ(book.totals().channels, 2);
    EXPECT_EQ(book.totals().peers, 1);
  }
  const auto other = book.enter(*two.second, "robot");
  const ChannelTotals totals = book.totals();
  EXPECT_EQ(totals.channels, 2);
  EXPECT_EQ(totals.peers, 2);
  EXPECT_EQ(totals.counters.bytes_sent, sent + two.second->counters().bytes_sent);
  EXPECT_EQ(totals.counters.bytes_received, two.first->counters().bytes_received);
  EXPECT_GT(totals.counters.bytes_received, 0);
}

}  // namespace
}  // namespace verge::net
