#include <atomic>
#include <condition_variable>
#include <optional>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/platform/net/grpc/resumable_channel.hpp>

#include "cut_link.hpp"
#include "eventually.hpp"
#include "sanitized.hpp"
#include "test_grpc_server.hpp"
#include "test_messages.hpp"

namespace verge::net {
namespace {

using Lane = Channel::Lane;
using test::next_body;
using test::text_message;

constexpr ResumeOptions kQuick{
    .give_up_s = 60, .first_pause_s = 0.001, .longest_pause_s = 0.002, .linger_s = 60};
// For ends that cannot hear of each other any more.
constexpr ResumeOptions kBrief{
    .give_up_s = 60, .first_pause_s = 0.001, .longest_pause_s = 0.002, .linger_s = 0.01};

// An acceptor within the process and what it accepted.
class Acceptor {
 public:
  explicit Acceptor(const ResumeOptions& options = kQuick)
      : acceptor_(clock_, options, [this](std::string, std::unique_ptr<Channel> channel) {
          const std::lock_guard lock(mutex_);
          session_ = std::move(channel);
          changed_.notify_all();
        }) {}

  ResumableAcceptor& operator*() { return acceptor_; }
  ResumableAcceptor* operator->() { return &acceptor_; }
  const Clock& clock() const { return clock_; }
  std::unique_ptr<Channel> next() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [this] { return session_ != nullptr; });
    return std::move(session_);
  }

 private:
  SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<Channel> session_;
  ResumableAcceptor acceptor_;
};

// Each dial brings a link that is cut after a random number of messages; the first one after both
// ends have greeted each other.
class CutDialler {
 public:
  CutDialler(Acceptor& acceptor, uint64_t seed, uint32_t most)
      : acceptor_(acceptor), rng_(seed), most_(most) {}

  Result<std::unique_ptr<Channel>> operator()() {
    const int greetings = dials++ == 0 ? 2 : 0;
    test::CutLink link(greetings + static_cast<int>(rng_.below(most_)), rng_.next());
    acceptor_->accept("edge-1", link.end(1));
    return link.end(0);
  }

  std::atomic<int> dials = 0;

 private:
  Acceptor& acceptor_;
  Rng rng_;
  const uint32_t most_;
};

std::unique_ptr<Channel> connected(CutDialler& dialler, const Clock& clock,
                                   const ResumeOptions& options) {
  auto channel = connect_resumable([&] { return dialler(); }, clock, options);
  EXPECT_TRUE(channel.ok()) << channel.error().message;
  return channel ? std::move(channel).value() : nullptr;
}

// Sends 1, 2, 3, ... in each lane, some of them with tensors, by chance.
void send_all(Channel& channel, int messages, uint64_t seed) {
  Rng rng(seed);
  int sent[2] = {0, 0};
  for (int i = 0; i < messages; ++i) {
    const int lane = rng.below(4) == 0 ? 1 : 0;
    Message message = test::tensor_message(std::to_string(++sent[lane]), rng.below(200));
    message.kind = static_cast<uint32_t>(lane);
    const bool was_taken = test::eventually(
        [&] { return channel.send(message, lane == 1 ? Lane::Urgent : Lane::Normal).ok(); });
    ASSERT_TRUE(was_taken) << i;
  }
}

void receive_all(Channel& channel, int messages) {
  int came[2] = {0, 0};
  for (int i = 0; i < messages; ++i) {
    const auto next = channel.receive(60);
    ASSERT_TRUE(next.ok()) << next.error().message;
    ASSERT_TRUE(next->has_value()) << "only " << i << " of " << messages << " came";
    ASSERT_EQ((*next)->body, std::to_string(++came[(*next)->kind])) << "lane " << (*next)->kind;
  }
  EXPECT_EQ(next_body(channel, 0), "nothing");
}

// Whatever the places at which links are cut.
TEST(ResumableChannel, LosesAndDoublesNothing) {
  const int runs = test::kSanitized ? 10 : 40;
  for (int run = 0; run < runs; ++run) {
    SCOPED_TRACE(run);
    const uint64_t seed = static_cast<uint64_t>(run) * 1000;
    Acceptor acceptor(kBrief);
    CutDialler dialler(acceptor, seed, 8 + 2 * static_cast<uint32_t>(run));
    const auto client = connected(dialler, acceptor.clock(), kBrief);
    const auto server = acceptor.next();
    ASSERT_NE(server, nullptr);
    constexpr int kMessages = 200;
    std::thread threads[] = {std::thread([&] { send_all(*client, kMessages, seed + 1); }),
                             std::thread([&] { send_all(*server, kMessages, seed + 2); }),
                             std::thread([&] { receive_all(*client, kMessages); })};
    receive_all(*server, kMessages);
    for (std::thread& thread : threads) thread.join();
    EXPECT_GT(dialler.dials, 1);
  }
}

TEST(ResumableChannel, CloseArrivesOverANewLink) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Acceptor acceptor;
    CutDialler dialler(acceptor, seed, 6);
    auto client = connected(dialler, acceptor.clock(), kQuick);
    const auto server = acceptor.next();
    for (const char* body : {"a", "b", "c", "d"})
      ASSERT_TRUE(client->send(text_message(body)).ok());
    client.reset();
    for (const char* body : {"a", "b", "c", "d"}) EXPECT_EQ(next_body(*server), body);
    EXPECT_EQ(next_body(*server), "error: cancelled");
  }
}

TEST(ResumableChannel, ASessionThatIsGoneEndsItForGood) {
  Acceptor acceptor(kBrief);
  std::optional<test::CutLink> link;
  std::atomic<bool> is_away = false;
  Acceptor other(kBrief);  // as the node is after it was started anew
  auto client = connect_resumable(
      [&]() -> Result<std::unique_ptr<Channel>> {
        test::CutLink made;
        if (!link) link = made;
        (is_away ? other : acceptor)->accept("edge-1", made.end(1));
        return made.end(0);
      },
      acceptor.clock(), kBrief);
  ASSERT_TRUE(client.ok()) << client.error().message;
  const auto server = acceptor.next();
  ASSERT_NE(server, nullptr);
  is_away = true;
  link->cut();
  const auto next = (*client)->receive(60);
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.error().code, Code::Io);
  EXPECT_NE(next.error().message.find("no such session"), std::string::npos);
}

TEST(ResumableChannel, AnotherNodesSessionIsNotFound) {
  Acceptor acceptor(kBrief);
  std::optional<test::CutLink> link;
  std::string node = "edge-1";
  auto client = connect_resumable(
      [&]() -> Result<std::unique_ptr<Channel>> {
        test::CutLink made;
        if (!link) link = made;
        acceptor->accept(std::exchange(node, "thief"), made.end(1));
        return made.end(0);
      },
      acceptor.clock(), kBrief);
  ASSERT_TRUE(client.ok());
  const auto server = acceptor.next();
  link->cut();
  EXPECT_EQ(next_body(**client), "error: io");
}

TEST(ResumableChannel, AnErrorThatIsNotOfTheLinkEndsIt) {
  Acceptor acceptor(kBrief);
  std::optional<test::CutLink> link;
  std::atomic<bool> has_expired = false;
  auto client = connect_resumable(
      [&]() -> Result<std::unique_ptr<Channel>> {
        if (has_expired) return make_error(Code::Denied, "the certificate expired");
        test::CutLink made;
        if (!link) link = made;
        acceptor->accept("edge-1", made.end(1));
        return made.end(0);
      },
      acceptor.clock(), kBrief);
  ASSERT_TRUE(client.ok());
  const auto server = acceptor.next();
  has_expired = true;
  link->cut();
  const auto next = (*client)->receive(60);
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.error().code, Code::Io);
  EXPECT_EQ(next.error().message, "the certificate expired");
}

TEST(ResumableChannel, TheFirstDialFailsAsItDoes) {
  const SystemClock clock;
  const auto channel = connect_resumable(
      []() -> Result<std::unique_ptr<Channel>> { return make_error(Code::Denied, "no"); }, clock,
      kBrief);
  ASSERT_FALSE(channel.ok());
  EXPECT_EQ(channel.error().code, Code::Denied);
}

// The real thing: the server stops, another one begins at its port.
TEST(ResumableChannel, GoesOnOverGrpcWhenTheServerComesBack) {
  test::TestFleet fleet;
  const Credentials cloud = fleet.node("cloud"), edge = fleet.node("edge-1");
  Acceptor acceptor(kBrief);
  const auto on_peer = [&](Peer peer, std::unique_ptr<Channel> link) {
    acceptor->accept(peer.facts.node, std::move(link));
  };
  const int64_t now = test::now_unix_s();
  auto first = GrpcServer::start(cloud, now, {}, on_peer);
  ASSERT_TRUE(first.ok()) << first.error().message;
  const int port = (*first)->port();
  const auto client =
      connect_resumable([&] { return dial("127.0.0.1:" + std::to_string(port), edge, now); },
                        acceptor.clock(), kBrief);
  ASSERT_TRUE(client.ok()) << client.error().message;
  const auto server = acceptor.next();
  ASSERT_NE(server, nullptr);
  ASSERT_TRUE((*client)->send(text_message("a")).ok());
  EXPECT_EQ(next_body(*server), "a");
  (*first)->stop(0);
  ASSERT_TRUE((*client)->send(text_message("b")).ok());
  ASSERT_TRUE(server->send(text_message("c")).ok());
  auto second = GrpcServer::start(cloud, now, {.port = port}, on_peer);
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_EQ(next_body(*server), "b");
  EXPECT_EQ(next_body(**client), "c");
}

}  // namespace
}  // namespace verge::net
