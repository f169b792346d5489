#include <eventually.hpp>
#include <manual_clock.hpp>

#include <verge/platform/net/codec/tensor_codec.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

// The server's end of a channel, which tells when all that was sent has been handed over.
class CountedChannel : public Channel {
 public:
  explicit CountedChannel(std::unique_ptr<Channel> below) : below_(std::move(below)) {}
  using Channel::send;
  Status send(Message message, Lane lane) override {
    return below_->send(std::move(message), lane);
  }
  Result<std::optional<Message>> receive(double timeout_s) override {
    is_waiting_ = true;
    auto received = below_->receive(timeout_s);
    is_waiting_ = false;
    if (received && *received) ++received_;
    return received;
  }
  int64_t unsent_bytes() const override { return below_->unsent_bytes(); }
  ChannelCounters counters() const override { return below_->counters(); }
  void close() override { below_->close(); }
  /// All of so many messages are behind it: it waits for the next.
  bool is_through(int count) const { return received_ == count && is_waiting_; }

 private:
  std::unique_ptr<Channel> below_;
  std::atomic<bool> is_waiting_ = false;
  std::atomic<int> received_ = 0;
};

// A device that a test speaks for: its text's states, and the bare protocol.
class RawDevice {
 public:
  RawDevice(ContextManager& manager, const std::vector<int32_t>& text, size_t prompt,
            const CollabPeer& peer, const std::string& session)
      : width_(SharedModels::get().split.width), prompt_(static_cast<int64_t>(prompt)) {
    auto layers = EdgeLayers::create(*SharedModels::get().edge, kExit1, kExit2, 32);
    const auto keep = [&](const StateRun& run) {
      states_.insert(states_.end(), run.rows.begin(), run.rows.end());
    };
    EXPECT_TRUE(layers->append(std::span(text).first(prompt), keep).ok());
    for (const int32_t token : std::span(text).subspan(prompt)) {
      EXPECT_TRUE(layers->step(token).ok());
      keep({0, 0, {layers->states().begin(), layers->states().end()}});
      EXPECT_TRUE(!layers->must_flush() || layers->flush().ok());
    }
    net::ChannelPair pair = net::make_channel_pair();
    own_ = std::move(pair.first);
    theirs_ = std::make_unique<CountedChannel>(std::move(pair.second));
    thread_ = std::jthread([this, &manager, peer] { (void)manager.serve(*theirs_, peer); });
    say(hello_of(SharedModels::get().split, session));
  }
  ~RawDevice() { own_->close(); }

  void say(const CollabMessage& message) {
    EXPECT_TRUE(own_->send(to_message(message), Channel::Lane::Normal).ok());
    ++said_;
    EXPECT_TRUE(test::eventually([&] { return theirs_->is_through(said_); }));
  }
  void send_states(int64_t from, int64_t to) {
    const int64_t edge = std::clamp(prompt_, from, to);
    if (from < edge) send_run(from, edge, prompt_);
    if (edge < to) send_run(edge, to, 0);
  }
  void finish(int64_t position, double deadline_s = 0) {
    FinishMessage finish{.position = position, .deadline_s = deadline_s};
    finish.sampling.temperature = 0;
    say(finish);
  }
  /// The next message of the kind that is looked for, while the server steps.
  template <typename Typed>
  std::optional<Typed> hear(ContextManager& manager) {
    std::optional<Typed> heard;
    EXPECT_TRUE(test::eventually([&] {
      manager.step();
      auto message = own_->receive(0);
      if (!message.ok()) return true;
      if (!*message) return false;
      const auto read = read_message(**message, limits_of());
      EXPECT_TRUE(read.ok() && *read);
      if (const Typed* typed = std::get_if<Typed>(&**read)) heard = *typed;
      return heard.has_value();
    }));
    return heard;
  }
  Channel& channel() { return *own_; }

 private:
  void send_run(int64_t from, int64_t to, int64_t prompt_end) {
    const auto rows = std::span(states_).subspan(static_cast<size_t>(from * width_),
                                                 static_cast<size_t>((to - from) * width_));
    auto packed = net::pack("f32", rows, {to - from, width_});
    say(StatesMessage{from, std::move(*packed), prompt_end});
  }

  int64_t width_;
  int64_t prompt_;
  std::vector<float> states_;
  std::unique_ptr<Channel> own_;
  std::unique_ptr<CountedChannel> theirs_;
  int said_ = 0;
  std::jthread thread_;
};

class ContextManagerTest : public ::testing::Test {
 protected:
  void start(ContextManagerOptions options = {}, int64_t kv_tokens = 1024) {
    model_ = load_part({kExit1, 0}, pool_, kv_tokens, 64);
    auto made = ContextManager::create(*model_, SharedModels::get().split, clock_, options);
    ASSERT_TRUE(made.ok()) << made.error().message;
    manager_ = std::move(*made);
  }
  std::unique_ptr<RawDevice> device(const std::string& session = "s",
                                    const CollabPeer& peer = {"tenant", "device"}) {
    auto made = std::make_unique<RawDevice>(*manager_, text_, kPromptLength, peer, session);
    accepted_ = made->hear<AcceptMessage>(*manager_).value_or(AcceptMessage());
    return made;
  }
  // What the whole model says after so many positions of the text.
  int32_t expected_after(int64_t position) {
    WholeModel whole({text_.data(), static_cast<size_t>(kPromptLength)});
    for (int64_t p = kPromptLength; p <= position; ++p) whole.append(text_[static_cast<size_t>(p)]);
    return whole.next();
  }
  int32_t answer(RawDevice& device) {
    return device.hear<TokenMessage>(*manager_).value_or(TokenMessage{.id = -1}).id;
  }
  ContextSnapshot snapshot() {
    manager_->step();
    return manager_->snapshot();
  }

  static constexpr int64_t kPromptLength = 12;
  static constexpr int64_t kUpperLayers = 4;
  const std::vector<int32_t> text_ = prompt_tokens(
      "And when he saw the man who had come from the city, he said to him: you are "
      "welcome in my house.");
  test::ManualClock clock_;
  ThreadPool pool_{1};
  std::unique_ptr<model::LanguageModel> model_;
  std::unique_ptr<ContextManager> manager_;
  AcceptMessage accepted_;
};

TEST_F(ContextManagerTest, EachPositionIsComputedOnce) {
  start();
  ASSERT_GT(text_.size(), 22u);
  const auto one = device();
  EXPECT_EQ(accepted_.lease_s, 120);
  EXPECT_EQ(accepted_.held, 0);
  one->send_states(0, 18);
  one->finish(15);
  EXPECT_EQ(answer(*one), expected_after(15));
  EXPECT_EQ(snapshot().layer_tokens, 16 * kUpperLayers);
  one->finish(17);
  EXPECT_EQ(answer(*one), expected_after(17));
  one->send_states(10, 22);
  one->finish(21);
  EXPECT_EQ(answer(*one), expected_after(21));
  EXPECT_EQ(snapshot().layer_tokens, 22 * kUpperLayers);
  EXPECT_EQ(snapshot().tokens, 3);
  EXPECT_EQ(snapshot().states_bytes, 0);
}

TEST_F(ContextManagerTest, SessionsRunTogether) {
  start({.fills_prompts = false});
  std::vector<std::unique_ptr<RawDevice>> devices;
  for (int i = 0; i < 8; ++i) {
    devices.push_back(device(std::to_string(i)));
    devices.back()->send_states(0, kPromptLength);
  }
  for (const auto& each : devices) each->finish(kPromptLength - 1);
  const int32_t expected = expected_after(kPromptLength - 1);
  for (const auto& each : devices) EXPECT_EQ(answer(*each), expected);
  EXPECT_EQ(snapshot().steps, 1);
  EXPECT_EQ(snapshot().segments, 8);
}

TEST_F(ContextManagerTest, APromptThatWasRunAheadIsAnsweredAtOnce) {
  start();
  const auto one = device();
  one->send_states(0, kPromptLength);
  EXPECT_TRUE(manager_->step());
  const int64_t before = snapshot().layer_tokens;
  EXPECT_EQ(before, kPromptLength * kUpperLayers);
  one->finish(kPromptLength - 1);
  EXPECT_EQ(answer(*one), expected_after(kPromptLength - 1));
  one->finish(kPromptLength - 1);  // the answer was lost, say
  EXPECT_EQ(answer(*one), expected_after(kPromptLength - 1));
  EXPECT_EQ(snapshot().layer_tokens, before);
  EXPECT_EQ(snapshot().waiting, 0);
}

TEST_F(ContextManagerTest, TokensThatWereDecodedAreNotRunAhead) {
  start();
  const auto one = device();
  one->send_states(0, 20);
  while (manager_->step()) continue;
  EXPECT_EQ(snapshot().layer_tokens, kPromptLength * kUpperLayers);
}

TEST_F(ContextManagerTest, WhatIsMissingIsAskedForOnce) {
  start({.fills_prompts = false});
  const auto one = device();
  one->send_states(0, 4);
  one->send_states(8, 14);
  one->finish(15);
  EXPECT_EQ(one->hear<NackMessage>(*manager_), (NackMessage{4, 8}));
  for (int i = 0; i < 5; ++i) manager_->step();
  one->send_states(4, 8);
  EXPECT_EQ(one->hear<NackMessage>(*manager_), (NackMessage{14, 16}));
  one->send_states(14, 16);
  EXPECT_EQ(answer(*one), expected_after(15));
  EXPECT_EQ(snapshot().nacks, 2);
}

TEST_F(ContextManagerTest, MessagesThatComeTwiceOrLateChangeNothing) {
  start();
  const auto one = device();
  one->send_states(9, 14);
  one->send_states(0, 9);
  one->send_states(5, 14);
  one->finish(12);
  one->finish(13);
  one->finish(13);
  one->finish(12);
  std::optional<TokenMessage> token;
  do {
    token = one->hear<TokenMessage>(*manager_);
  } while (token && token->position != 13);
  ASSERT_TRUE(token.has_value());
  EXPECT_EQ(token->id, expected_after(13));
  one->send_states(0, 14);
  one->finish(13);
  EXPECT_EQ(answer(*one), expected_after(13));
  EXPECT_EQ(snapshot().layer_tokens, 14 * kUpperLayers);
}

TEST_F(ContextManagerTest, AnOlderPositionIsComputedAgain) {
  start();
  const auto one = device();
  one->send_states(0, 18);
  one->finish(17);
  EXPECT_EQ(answer(*one), expected_after(17));
  one->finish(14);
  EXPECT_EQ(one->hear<NackMessage>(*manager_), (NackMessage{14, 15}));
  one->send_states(14, 18);
  EXPECT_EQ(answer(*one), expected_after(14));
  one->finish(17);
  EXPECT_EQ(answer(*one), expected_after(17));
}

TEST_F(ContextManagerTest, WhoLosesItsPagesIsToldToBeginAgain) {
  start({}, 64);  // two pages
  const auto one = device("1"), two = device("2"), three = device("3");
  for (RawDevice* each : {&*one, &*two, &*three}) {
    each->send_states(0, 14);
    each->finish(13);
    EXPECT_EQ(answer(*each), expected_after(13));
  }
  EXPECT_EQ(snapshot().evictions, 1);
  one->finish(14);
  EXPECT_EQ(one->hear<ResumeMessage>(*manager_), ResumeMessage{0});
  one->send_states(0, 15);
  EXPECT_EQ(answer(*one), expected_after(14));
  EXPECT_EQ(snapshot().kv_pages, 2);
}

TEST_F(ContextManagerTest, AClosedSessionIsGone) {
  start();
  const auto one = device();
  one->send_states(0, 18);
  one->finish(15);
  EXPECT_EQ(answer(*one), expected_after(15));
  EXPECT_EQ(model_->decoder().pool.free_pages(), model_->decoder().pool.pages() - 1);
  one->say(CloseMessage());
  EXPECT_EQ(snapshot().sessions, 0);
  EXPECT_EQ(snapshot().states_bytes, 0);
  EXPECT_EQ(model_->decoder().pool.free_pages(), model_->decoder().pool.pages());
  one->finish(15);
  EXPECT_EQ(one->hear<NackMessage>(*manager_), (NackMessage{0, 16}));
}

TEST_F(ContextManagerTest, SessionsAreCounted) {
  start({.max_sessions = 1});
  const auto one = device("1");
  EXPECT_EQ(accepted_.session, "1");
  RawDevice two(*manager_, text_, kPromptLength, {"tenant", "device"}, "2");
  const auto failure = two.hear<FailureMessage>(*manager_);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->error.code, Code::Busy);
  one->say(CloseMessage());
  const auto three = device("3");
  EXPECT_EQ(accepted_.session, "3");
}

TEST_F(ContextManagerTest, LeasesEnd) {
  start({.lease_s = 10});
  const auto one = device();
  one->send_states(0, 14);
  one->finish(13);
  EXPECT_EQ(answer(*one), expected_after(13));
  clock_.advance(9);
  EXPECT_EQ(snapshot().sessions, 1);
  clock_.advance(2);
  EXPECT_EQ(snapshot().sessions, 0);
  EXPECT_EQ(model_->decoder().pool.free_pages(), model_->decoder().pool.pages());
}

TEST_F(ContextManagerTest, NobodyIsAnsweredAfterTheDeadline) {
  start();
  const auto one = device();
  one->finish(13, 5);
  EXPECT_EQ(snapshot().waiting, 1);
  clock_.advance(6);
  EXPECT_EQ(snapshot().waiting, 0);
  one->send_states(0, 14);
  while (manager_->step()) continue;
  EXPECT_EQ(snapshot().tokens, 0);
  one->finish(13, 5);
  EXPECT_EQ(answer(*one), expected_after(13));
}

TEST_F(ContextManagerTest, AReconnectedDeviceGoesOnWhereItWas) {
  start();
  auto one = device();
  one->send_states(0, 14);
  one->finish(13);
  EXPECT_EQ(answer(*one), expected_after(13));
  one.reset();
  one = device();
  EXPECT_EQ(accepted_.held, 14);
  one->send_states(14, 17);
  one->finish(16);
  EXPECT_EQ(answer(*one), expected_after(16));
  EXPECT_EQ(snapshot().layer_tokens, 17 * kUpperLayers);
}

TEST_F(ContextManagerTest, SessionsBelongToTheirTenantAndDevice) {
  start();
  const auto one = device();
  one->send_states(0, 14);
  one->finish(13);
  EXPECT_EQ(answer(*one), expected_after(13));
  const auto other_tenant = device("s", {"other", "device"});
  EXPECT_EQ(accepted_.held, 0);
  const auto other_device = device("s", {"tenant", "other"});
  EXPECT_EQ(accepted_.held, 0);
  EXPECT_EQ(snapshot().sessions, 3);
}

TEST_F(ContextManagerTest, NonsenseIsAnsweredAndTheRestServed) {
  start();
  const auto one = device("1"), two = device("2");
  two->send_states(0, 14);
  EXPECT_TRUE(one->channel().send({4, "\xff\xff", {}}, Channel::Lane::Normal).ok());
  const auto failure = one->hear<FailureMessage>(*manager_);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->error.code, Code::Malformed);
  two->finish(13);
  EXPECT_EQ(answer(*two), expected_after(13));
}

TEST_F(ContextManagerTest, WhoHasNotSaidHelloIsNotServed) {
  start();
  net::ChannelPair pair = net::make_channel_pair();
  const std::shared_ptr<Channel> end = std::move(pair.second);
  const std::jthread serving([&] { (void)manager_->serve(*end, {"t", "d"}); });
  EXPECT_TRUE(pair.first->send(to_message(FinishMessage{.position = 3})).ok());
  std::optional<Message> answer;
  EXPECT_TRUE(test::eventually([&] {
    manager_->step();
    auto received = pair.first->receive(0);
    if (received.ok() && *received) answer = std::move(**received);
    return answer.has_value();
  }));
  const auto read = read_message(*answer, limits_of());
  EXPECT_TRUE(std::get<FailureMessage>(**read).error.message.ends_with("say hello first"));
  EXPECT_EQ(snapshot().sessions, 0);
  pair.first->close();
}

TEST_F(ContextManagerTest, StepsMustHaveRoomForPrompts) {
  model::LoadOptions options;
  options.max_tokens = 8;
  options.context = 64;
  options.layers = {kExit1, 0};
  auto small =
      model::LanguageModel::load(test::source_file("models/verge-lm.gguf"), options, pool_);
  ASSERT_TRUE(small.ok());
  const auto made = ContextManager::create(**small, SharedModels::get().split, clock_);
  const bool is_small = (*small)->decoder().min_chunk > 4;
  ASSERT_EQ(made.ok(), !is_small);
  EXPECT_TRUE(made.ok() || made.error().code == Code::Unsupported);
}

}  // namespace
}  // namespace verge::serve
