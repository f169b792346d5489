#pragma once
// A link within the process that a test cuts: of what was not received then, the latest is lost, as
// the bytes are that a socket holds when its cable is pulled.

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <verge/core/channel.hpp>
#include <verge/core/rng.hpp>

namespace verge::test {

class CutLink {
 public:
  /// Cut by itself when so many messages were sent, of both directions; negative: never. Chance
  /// says how much of what is on its way arrives after all.
  explicit CutLink(int messages_before_cut = -1, uint64_t seed = 0)
      : state_(std::make_shared<State>(seed)) {
    state_->left = messages_before_cut;
  }

  std::unique_ptr<Channel> end(int which) { return std::make_unique<End>(state_, which); }
  void cut() {
    const std::lock_guard lock(state_->mutex);
    state_->cut();
  }

 private:
  struct State {
    explicit State(uint64_t seed) : rng(seed) {}

    Rng rng;
    std::mutex mutex;
    std::condition_variable changed;
    std::array<std::deque<Message>, 2> urgent, normal;  // to each end
    bool is_cut = false, is_closed = false;
    int left = -1;
    size_t most = 8;  // of a lane, then Busy

    void cut() {
      is_cut = true;
      for (size_t to = 0; to < 2; ++to) {
        const size_t waiting = urgent[to].size() + normal[to].size();
        const size_t kept = rng.below(static_cast<uint32_t>(waiting) + 1);
        normal[to].resize(kept - std::min(kept, urgent[to].size()));
        urgent[to].resize(std::min(kept, urgent[to].size()));
      }
      changed.notify_all();
    }
  };

  class End final : public Channel {
   public:
    End(std::shared_ptr<State> state, int which) : state_(std::move(state)), own_(which) {}
    ~End() override { close(); }

    Status send(Message message, Lane lane) override {
      const std::lock_guard lock(state_->mutex);
      if (state_->is_cut) return make_error(Code::Io, "the link was cut");
      if (state_->is_closed) return make_error(Code::Cancelled, "the link was closed");
      auto& queue = (lane == Lane::Urgent ? state_->urgent : state_->normal)[1 - own_];
      if (queue.size() >= state_->most) return make_error(Code::Busy, "full");
      if (state_->left == 0) {
        state_->cut();
        return {};  // taken, and lost
      }
      if (state_->left > 0) --state_->left;
      queue.push_back(std::move(message));
      state_->changed.notify_all();
      return {};
    }
    Result<std::optional<Message>> receive(double timeout_s) override {
      std::unique_lock lock(state_->mutex);
      auto& urgent = state_->urgent[own_];
      auto& normal = state_->normal[own_];
      state_->changed.wait_for(lock, std::chrono::duration<double>(timeout_s), [&] {
        return !urgent.empty() || !normal.empty() || state_->is_cut || state_->is_closed;
      });
      if (urgent.empty() && normal.empty()) {
        if (state_->is_cut) return make_error(Code::Io, "the link was cut");
        if (state_->is_closed) return make_error(Code::Cancelled, "the link was closed");
        return std::optional<Message>();
      }
      auto& queue = urgent.empty() ? normal : urgent;
      Message message = std::move(queue.front());
      queue.pop_front();
      return std::optional<Message>(std::move(message));
    }
    int64_t unsent_bytes() const override { return 0; }
    ChannelCounters counters() const override { return {}; }
    void close() override {
      const std::lock_guard lock(state_->mutex);
      state_->is_closed = true;
      state_->changed.notify_all();
    }

   private:
    std::shared_ptr<State> state_;
    const int own_;
  };

  std::shared_ptr<State> state_;
};

}  // namespace verge::test
