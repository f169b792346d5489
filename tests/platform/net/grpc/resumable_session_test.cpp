#include <optional>

#include <gtest/gtest.h>

#include <verge/platform/net/grpc/resumable_session.hpp>

#include "cut_link.hpp"
#include "eventually.hpp"
#include "manual_clock.hpp"
#include "test_messages.hpp"

namespace verge::net {
namespace {

using Lane = Channel::Lane;
using test::text_message;

const std::string kId(kSessionBytes, 'i');

// A session that does not dial, and the bare other end of its link.
class SessionTest : public testing::Test {
 protected:
  void begin(const ResumeOptions& options) {
    session_.emplace(kId, ResumedLink{link_.end(0), {}}, nullptr, clock_, options);
    const Delivery greeting = next();
    EXPECT_EQ(greeting.envelope.resume().session(), kId);
  }
  Delivery next() {
    auto message = other_->receive(60);
    EXPECT_TRUE(message.ok() && *message);
    if (!message.ok() || !*message) return {};
    return open_envelope(std::move(**message)).value();
  }
  uint64_t next_parcel() { return next().envelope.parcel().sequence(); }
  void bring(uint64_t sequence, const std::string& body, const Marks& received = {}) {
    ASSERT_TRUE(
        other_->send(parcel_of(received, Lane::Normal, sequence, text_message(body), false)).ok());
  }
  // In place of the link: one over which the other end has that much.
  void offer_link(const Marks& received) {
    link_ = test::CutLink();
    other_ = link_.end(1);
    session_->offer({link_.end(0), received});
    EXPECT_TRUE(next().envelope.has_resume());
  }

  test::ManualClock clock_;
  test::CutLink link_;
  std::unique_ptr<Channel> other_ = link_.end(1);
  std::optional<ResumableSession> session_;
  const ResumeOptions quick_{.give_up_s = 100, .linger_s = 0.01};
};

TEST_F(SessionTest, SendsAgainWhatTheOtherEndHasNot) {
  begin(quick_);
  for (const char* body : {"a", "b", "c"}) ASSERT_TRUE(session_->send(text_message(body)).ok());
  for (const uint64_t sequence : {1, 2, 3}) EXPECT_EQ(next_parcel(), sequence);
  link_.cut();
  ASSERT_TRUE(session_->send(text_message("d")).ok());
  offer_link({2, 0});
  const Delivery third = next();
  EXPECT_EQ(third.envelope.parcel().sequence(), 3u);
  EXPECT_EQ(third.envelope.parcel().body(), "c");
  EXPECT_EQ(next_parcel(), 4u);
  EXPECT_EQ(session_->counters().messages_sent, 2);
}

TEST_F(SessionTest, TakesWhatCameTwiceOnce) {
  begin(quick_);
  bring(1, "a");
  EXPECT_EQ(test::next_body(*session_), "a");
  link_.cut();
  offer_link({});
  bring(1, "a");
  bring(2, "b");
  EXPECT_EQ(test::next_body(*session_), "b");
  EXPECT_EQ(session_->counters().messages_received, 2);
}

TEST_F(SessionTest, AcknowledgesWithoutMessagesOfItsOwn) {
  begin(quick_);
  bring(1, "a");
  EXPECT_EQ(marks_of(next().envelope), (Marks{1, 0}));
}

TEST_F(SessionTest, AGapIsMalformed) {
  begin(quick_);
  bring(2, "b");
  EXPECT_EQ(test::next_body(*session_), "error: malformed");
  EXPECT_TRUE(session_->is_over());
}

TEST_F(SessionTest, AClaimOfWhatWasNeverSentIsMalformed) {
  begin(quick_);
  bring(1, "a", {1, 0});
  EXPECT_EQ(test::next_body(*session_), "error: malformed");
}

TEST_F(SessionTest, KeepsNoMoreThanItsWindow) {
  begin({.window_bytes = 5000, .linger_s = 0.01});
  const Message message = text_message(std::string(1000, 'x'));
  int taken = 0;
  while (taken < 100 && session_->send(message)) ++taken;
  EXPECT_EQ(taken, 4);
  EXPECT_EQ(session_->send(message).error().code, Code::Busy);
  EXPECT_LE(session_->unsent_bytes(), 5000);
  ASSERT_TRUE(other_->send(acknowledgement({2, 0})).ok());
  EXPECT_TRUE(test::eventually([&] { return session_->send(message).ok(); }));
}

TEST_F(SessionTest, GivesUpWhenNoLinkIsFound) {
  begin(quick_);
  link_.cut();
  EXPECT_EQ(test::next_body(*session_, 0), "nothing");
  // From when it noticed on.
  EXPECT_TRUE(test::eventually([&] {
    clock_.advance(60);
    return session_->is_over();
  }));
  EXPECT_EQ(test::next_body(*session_), "error: io");
  EXPECT_EQ(session_->send(text_message("x")).error().code, Code::Io);
}

TEST_F(SessionTest, TheOthersCloseIsAcknowledged) {
  begin(quick_);
  bring(1, "a");
  ASSERT_TRUE(other_->send(parcel_of({}, Lane::Normal, 2, {}, true)).ok());
  EXPECT_EQ(test::next_body(*session_), "a");
  EXPECT_EQ(test::next_body(*session_), "error: cancelled");
  Marks told{};
  while (told[0] < 2) told = marks_of(next().envelope);
}

TEST_F(SessionTest, CloseGoesOnUntilAllHasArrived) {
  begin({.linger_s = 60});
  ASSERT_TRUE(session_->send(text_message("a")).ok());
  session_->close();
  EXPECT_EQ(session_->send(text_message("b")).error().code, Code::Cancelled);
  EXPECT_EQ(next_parcel(), 1u);
  link_.cut();
  offer_link({});
  EXPECT_EQ(next_parcel(), 1u);
  EXPECT_TRUE(next().envelope.parcel().is_close());
  EXPECT_FALSE(session_->is_over());
  ASSERT_TRUE(other_->send(acknowledgement({2, 0})).ok());
  session_.reset();  // returns, since all has arrived
}

}  // namespace
}  // namespace verge::net
