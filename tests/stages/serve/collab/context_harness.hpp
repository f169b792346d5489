#pragma once
// Devices that a test speaks for, and a manager that runs when the test says so.

#include <eventually.hpp>
#include <manual_clock.hpp>

#include <verge/platform/net/codec/tensor_codec.hpp>

#include "collab_harness.hpp"

namespace verge::serve::test_collab {

/// The server's end of a channel, which tells when all that was sent has been handed over.
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

/// A device that a test speaks for: its text's states, and the bare protocol.
class RawDevice {
 public:
  RawDevice(ContextManager& manager, const std::vector<int32_t>& text, size_t prompt,
            const CollabPeer& peer, const std::string& session, bool wants_tokens = false)
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
    HelloMessage hello = hello_of(SharedModels::get().split, session);
    hello.wants_tokens = wants_tokens;
    say(hello);
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
  /// States that are not those of the text.
  void send_wrong_states(int64_t from, int64_t to) { send_run(from, to, 0, 3); }
  void finish(int64_t position, double deadline_s = 0) {
    FinishMessage finish{.position = position, .deadline_s = deadline_s, .branch = branch};
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
  /// The next message of any kind, while the server steps `steps` times; nothing if none came.
  std::optional<CollabMessage> hear_any(ContextManager& manager, int steps) {
    for (int i = 0; i < steps; ++i) {
      manager.step();
      auto message = own_->receive(0);
      if (!message.ok() || !*message) continue;
      auto read = read_message(**message, limits_of());
      EXPECT_TRUE(read.ok() && *read);
      return std::move(**read);
    }
    return std::nullopt;
  }
  Channel& channel() { return *own_; }

  TextBranch branch = {};  // of what is said

 private:
  void send_run(int64_t from, int64_t to, int64_t prompt_end, int64_t shift = 0) {
    const auto rows = std::span(states_).subspan(static_cast<size_t>((from - shift) * width_),
                                                 static_cast<size_t>((to - from) * width_));
    auto packed = net::pack("f32", rows, {to - from, width_});
    say(StatesMessage{from, std::move(*packed), prompt_end, branch});
  }

  int64_t width_;
  int64_t prompt_;
  std::vector<float> states_;
  std::unique_ptr<Channel> own_;
  std::unique_ptr<CountedChannel> theirs_;
  int said_ = 0;
  std::jthread thread_;
};

/// A manager whose steps the test makes, and its clock.
class ManagerFixture : public ::testing::Test {
 protected:
  void start(ContextManagerOptions options = {}, int64_t kv_tokens = 1024) {
    model_ = load_part({kExit1, 0}, pool_, kv_tokens, 64);
    restart(options);
  }
  /// Another manager of the same model.
  void restart(ContextManagerOptions options = {}) {
    manager_.reset();
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

}  // namespace verge::serve::test_collab
