#include <thread>

#include <eventually.hpp>
#include <gtest/gtest.h>

#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/platform/net/link/channel_pair.hpp>
#include <verge/stages/serve/collab/connection_inbox.hpp>

namespace verge::serve {
namespace {

const CollabLimits kInboxLimits = {.width = 4, .vocab = 10, .context = 64, .codecs = {"f32"}};

struct Reader {
  explicit Reader(int64_t most_bytes = 1 << 20) : inbox(most_bytes) {
    thread = std::jthread(
        [this] { status = receive_all(*pair.second, connection, kInboxLimits, inbox); });
  }
  net::ChannelPair pair = net::make_channel_pair();
  std::shared_ptr<CollabConnection> connection =
      std::make_shared<CollabConnection>(*pair.second, CollabPeer{"t", "d"});
  ConnectionInbox inbox;
  Status status;
  std::jthread thread;

  std::vector<CollabEvent> take(size_t count) {
    std::vector<CollabEvent> events;
    EXPECT_TRUE(test::eventually([&] {
      for (CollabEvent& event : inbox.take()) events.push_back(std::move(event));
      return events.size() >= count;
    }));
    return events;
  }
};

StatesMessage states_at(int64_t position) {
  const std::vector<float> rows = {1, 2, 3, 4};
  return {position, *net::pack("f32", rows, {1, 4})};
}

TEST(ConnectionInbox, MessagesComeInOrderAndUnpacked) {
  Reader reader;
  EXPECT_TRUE(reader.pair.first->send(to_message(states_at(3))).ok());
  EXPECT_TRUE(reader.pair.first->send({.kind = 77, .body = "unknown", .tensors = {}}).ok());
  EXPECT_TRUE(reader.pair.first->send(to_message(FinishMessage{.position = 3})).ok());
  const auto events = reader.take(2);
  EXPECT_EQ(std::get<StatesMessage>(events[0].message).position, 3);
  EXPECT_EQ(events[0].rows, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(std::get<FinishMessage>(events[1].message).position, 3);
  EXPECT_EQ(events[1].connection->peer().device, "d");
  reader.pair.first->close();
  EXPECT_TRUE(reader.take(1)[0].is_gone);
  reader.thread.join();
  EXPECT_TRUE(reader.status.ok());
  reader.connection->send(CloseMessage());  // nobody hears it, nothing breaks
}

TEST(ConnectionInbox, WhoSendsNonsenseIsToldAndHeardNoMore) {
  Reader reader;
  EXPECT_TRUE(reader.pair.first->send(to_message(FinishMessage{.position = 64})).ok());
  const auto answer = reader.pair.first->receive(60);
  ASSERT_TRUE(answer.ok() && *answer);
  const auto read = read_message(**answer, kInboxLimits);
  EXPECT_EQ(std::get<FailureMessage>(**read).error.message,
            "finish: position is 64; it must be 0 to 63");
  EXPECT_TRUE(reader.take(1)[0].is_gone);
  reader.thread.join();
  EXPECT_EQ(reader.status.error().code, Code::Malformed);
}

TEST(ConnectionInbox, WhoSendsTooMuchWaits) {
  // One event more than that may lie there.
  Reader reader(static_cast<int64_t>(sizeof(CollabEvent) + sizeof(float) * 4));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(reader.pair.first->send(to_message(states_at(i))).ok());
  // The third waits in post(), the fourth in the channel.
  EXPECT_TRUE(test::eventually([&] { return reader.pair.first->unsent_bytes() > 0; }));
  size_t taken = 0;
  EXPECT_TRUE(test::eventually([&] {
    const size_t count = reader.inbox.take().size();
    EXPECT_LE(count, 2u);
    taken += count;
    return taken == 4;
  }));
  reader.pair.first->close();
}

// Also who sends what has no states.
TEST(ConnectionInbox, WhoSendsTooManyWordsWaits) {
  Reader reader(static_cast<int64_t>(sizeof(CollabEvent) + sizeof(int32_t) * 8));
  const TokensMessage eight{.position = 0, .ids = std::vector<int32_t>(8, 1)};
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(reader.pair.first->send(to_message(eight)).ok());
  EXPECT_TRUE(test::eventually([&] { return reader.pair.first->unsent_bytes() > 0; }));
  size_t taken = 0;
  EXPECT_TRUE(test::eventually([&] {
    const size_t count = reader.inbox.take().size();
    EXPECT_LE(count, 2u);
    taken += count;
    return taken == 4;
  }));
  reader.pair.first->close();
}

TEST(ConnectionInbox, AClosedInboxEndsItsReaders) {
  Reader reader;
  reader.inbox.close();
  reader.thread.join();
  EXPECT_TRUE(reader.status.ok());
  EXPECT_TRUE(reader.inbox.is_closed());
}

}  // namespace
}  // namespace verge::serve
