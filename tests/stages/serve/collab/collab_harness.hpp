#pragma once
// Device and server in one process: the shipped model's lower and upper layers, each with its own
// pool and threads, joined by channels that a test may cut or look into; and the whole model beside
// them, to compare with.

#include <thread>

#include <gtest/gtest.h>
#include <paths.hpp>

#include <verge/engine/runtime/step.hpp>
#include <verge/engine/text/logprobs.hpp>
#include <verge/engine/text/sampler_stages.hpp>
#include <verge/platform/net/link/channel_pair.hpp>
#include <verge/stages/serve/collab/context_manager.hpp>
#include <verge/stages/serve/collab/edge_driver.hpp>
#include <verge/stages/serve/collab/position_sampler.hpp>
#include <verge/stages/serve/collab/split_identity.hpp>

namespace verge::serve::test_collab {

inline std::unique_ptr<model::LanguageModel> load_part(nn::LayerSpan layers, ThreadPool& pool,
                                                       int64_t kv_tokens, int64_t sequences) {
  model::LoadOptions options;
  options.context = 256;
  options.max_tokens = 128;
  options.max_sequences = sequences;
  options.kv_tokens = kv_tokens;
  options.layers = layers;
  auto loaded =
      model::LanguageModel::load(test::source_file("models/verge-lm.gguf"), options, pool);
  EXPECT_TRUE(loaded.ok()) << loaded.error().message;
  return loaded.ok() ? std::move(*loaded) : nullptr;
}

constexpr int64_t kExit1 = 2, kExit2 = 4;  // of the shipped model's six layers

/// What becomes of a message.
enum class Fate { Passes, Lost, CutBefore };

/// A channel that a test hears of each message of, and may lose some, or cut.
class WatchedChannel : public Channel {
 public:
  using Watch = std::function<Fate(const Message& message)>;
  WatchedChannel(std::unique_ptr<Channel> below, Watch watch)
      : below_(std::move(below)), watch_(std::move(watch)) {}

  using Channel::send;
  Status send(Message message, Lane lane) override {
    const Fate fate = watch_(message);
    if (fate == Fate::Lost) return {};
    if (fate == Fate::CutBefore) return cut();
    return below_->send(std::move(message), lane);
  }
  Result<std::optional<Message>> receive(double timeout_s) override {
    auto received = below_->receive(timeout_s);
    if (!received || !*received) return received;
    const Fate fate = watch_(**received);
    if (fate == Fate::Lost) return std::optional<Message>();
    if (fate == Fate::CutBefore) return cut();
    return received;
  }
  int64_t unsent_bytes() const override { return below_->unsent_bytes(); }
  ChannelCounters counters() const override { return below_->counters(); }
  void close() override { below_->close(); }

 private:
  Error cut() {
    below_->close();
    return make_error(Code::Io, "cut");
  }
  std::unique_ptr<Channel> below_;
  Watch watch_;
};

inline bool is_of(const Message& message, CollabKind kind) {
  return message.kind == static_cast<uint32_t>(kind);
}

/// A server: manager, engine thread, and a thread for each connection.
class TestServer {
 public:
  TestServer(const SplitIdentity& split, const Clock& clock, int64_t kv_tokens,
             ContextManagerOptions options = {})
      : model_(load_part({split.exit1, 0}, pool_, kv_tokens, 64)) {
    auto made = ContextManager::create(*model_, split, clock, options);
    EXPECT_TRUE(made.ok()) << made.error().message;
    manager_ = std::move(*made);
    engine_ = std::jthread([this](std::stop_token stop) { manager_->run(stop); });
  }
  ~TestServer() { stop(); }

  void stop() {
    engine_.request_stop();
    if (engine_.joinable()) engine_.join();
    std::vector<std::jthread> ended;  // joined without the lock: devices go on connecting
    const std::lock_guard lock(mutex_);
    ended.swap(connections_);
  }

  ContextManager& manager() { return *manager_; }
  model::LanguageModel& model() { return *model_; }

  /// The device's end of a new connection.
  std::unique_ptr<Channel> connect(const CollabPeer& peer = {"tenant", "device"}) {
    net::ChannelPair pair = net::make_channel_pair();
    std::shared_ptr<Channel> end = std::move(pair.second);
    const std::lock_guard lock(mutex_);
    connections_.emplace_back([this, end, peer] { (void)manager_->serve(*end, peer); });
    return std::move(pair.first);
  }

 private:
  ThreadPool pool_{1};
  std::unique_ptr<model::LanguageModel> model_;
  std::unique_ptr<ContextManager> manager_;
  std::jthread engine_;
  std::mutex mutex_;
  std::vector<std::jthread> connections_;
};

/// Models that all tests of a program share: each is used by one test at a time.
struct SharedModels {
  ThreadPool pool{1};
  std::unique_ptr<model::LanguageModel> whole =
      load_part({}, pool, 1024, 1);  // calibration takes most
  std::unique_ptr<model::LanguageModel> edge = load_part({0, kExit2}, pool, 4096, 32);
  SplitIdentity split = *split_identity(*whole, kExit1, kExit2);

  static SharedModels& get() {
    static SharedModels models;
    return models;
  }
};

inline std::vector<int32_t> prompt_tokens(std::string_view text) {
  return SharedModels::get().whole->tokenizer().encode(text);
}

/// What the whole model says after the tokens, token by token.
class WholeModel {
 public:
  explicit WholeModel(std::span<const int32_t> prompt,
                      text::SamplerOptions sampling = {.temperature = 0})
      : session_(SharedModels::get().whole->session()), sampling_(std::move(sampling)) {
    EXPECT_TRUE(session_.append(prompt).ok());
  }
  float logprob(int32_t token) const { return text::token_logprob(session_.logits(), token); }
  int32_t next() const { return *sample_at(sampling_, session_.logits(), session_.length() - 1); }
  void append(int32_t token) { EXPECT_TRUE(session_.append({&token, 1}).ok()); }

 private:
  runtime::Session session_;
  text::SamplerOptions sampling_;
};

inline std::vector<int32_t> whole_text(std::span<const int32_t> prompt, int count,
                                       const text::SamplerOptions& sampling = {.temperature = 0}) {
  WholeModel whole(prompt, sampling);
  std::vector<int32_t> tokens;
  for (int i = 0; i < count; ++i) {
    tokens.push_back(whole.next());
    whole.append(tokens.back());
  }
  return tokens;
}

inline HelloMessage hello_of(const SplitIdentity& split, const std::string& session = "s") {
  return {.split = split, .codecs = {"f16", "f32", "int8"}, .session = session};
}

inline CollabLimits limits_of() {
  return {.width = SharedModels::get().split.width,
          .vocab = SharedModels::get().edge->decoder().vocab,
          .context = 256};
}

/// Always asks, and waits as long as it takes.
inline EdgeOptions asking(const std::string& codec = "f16", CollabMode mode = CollabMode::Collab) {
  EdgeOptions options;
  options.policy = {.mode = mode, .theta1 = 1, .theta2 = 1, .token_deadline_s = 600};
  options.codec = codec;
  return options;
}

inline std::vector<CollabToken> generate(EdgeDriver& driver, int count) {
  std::vector<CollabToken> tokens;
  for (int i = 0; i < count; ++i) {
    const auto token = driver.next();
    EXPECT_TRUE(token.ok()) << token.error().message;
    if (!token.ok()) break;
    tokens.push_back(*token);
  }
  return tokens;
}

inline std::vector<int32_t> ids_of(std::span<const CollabToken> tokens) {
  std::vector<int32_t> ids;
  for (const CollabToken& token : tokens) ids.push_back(token.id);
  return ids;
}

}  // namespace verge::serve::test_collab
