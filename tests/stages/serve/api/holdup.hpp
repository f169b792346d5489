#pragma once
// Holdup: stops the engine's thread of a server, so that what waits goes on waiting.

#include <future>
#include <memory>

#include <gtest/gtest.h>

#include <verge/stages/serve/scheduler/scheduler.hpp>

namespace verge::serve::api {

/// From construction until release(), or its end.
class Holdup {
 public:
  Holdup(Scheduler& scheduler, const std::string& model) : sink_(std::make_shared<Sink>()) {
    Request none{.model = model, .prompt = {1}};
    none.options.max_tokens = 0;
    EXPECT_TRUE(scheduler.submit(std::move(none), sink_));
    EXPECT_EQ(sink_->begun.get_future().wait_for(std::chrono::minutes(1)),
              std::future_status::ready);
  }
  ~Holdup() { release(); }
  Holdup(const Holdup&) = delete;
  Holdup& operator=(const Holdup&) = delete;

  void release() {
    if (sink_ != nullptr) sink_->released.set_value();
    sink_ = nullptr;
  }

 private:
  struct Sink : AnswerSink {
    void on_piece(const Piece&) override {}
    void on_end(const End&) override {
      begun.set_value();
      released.get_future().wait_for(std::chrono::minutes(1));
    }
    std::promise<void> begun, released;
  };
  std::shared_ptr<Sink> sink_;
};

}  // namespace verge::serve::api
