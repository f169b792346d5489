#pragma once
// Holdup: stops the engine's thread of a server, so that what runs or waits goes on doing so.

#include <future>
#include <memory>
#include <string>

#include <eventually.hpp>
#include <gtest/gtest.h>
#include <http_client.hpp>

#include <verge/stages/serve/scheduler/scheduler.hpp>

namespace verge::serve::api {

/// From construction until release(), or its end.
class Holdup {
 public:
  Holdup(Scheduler& scheduler, std::string model)
      : scheduler_(scheduler), model_(std::move(model)), sink_(hold_after(0)) {
    await();
  }
  ~Holdup() { release(); }
  Holdup(const Holdup&) = delete;
  Holdup& operator=(const Holdup&) = delete;

  /// Sends a streaming request and lets the engine run until its first tokens are out. It asks for
  /// more than these, and for `answers` that all find a place at once.
  void begin(test::HttpClient& client, const std::string& request, int answers = 1) {
    const int64_t before = scheduler_.snapshot().submitted;
    client.send(request);
    EXPECT_TRUE(
        test::eventually([&] { return scheduler_.snapshot().submitted == before + answers; }));
    const std::shared_ptr<Sink> next = hold_after(4);
    release();
    sink_ = next;
    await();
    EXPECT_TRUE(client.until("data: "));
  }

  void release() {
    if (sink_ != nullptr) sink_->released.set_value();
    sink_ = nullptr;
  }

 private:
  struct Sink : AnswerSink {
    void on_piece(const Piece&) override {}
    void on_end(const End&) override {
      begun.set_value();
      released.get_future().wait_for(std::chrono::minutes(5));
    }
    std::promise<void> begun, released;
  };

  // The engine stops when it has drawn so many tokens of an answer of its own.
  std::shared_ptr<Sink> hold_after(int64_t tokens) {
    auto sink = std::make_shared<Sink>();
    Request request{.model = model_, .prompt = {1}};
    request.options.max_tokens = tokens;
    request.options.ignore_end = true;
    EXPECT_TRUE(scheduler_.submit(std::move(request), sink));
    return sink;
  }
  void await() {
    EXPECT_EQ(sink_->begun.get_future().wait_for(std::chrono::minutes(1)),
              std::future_status::ready);
  }

  Scheduler& scheduler_;
  std::string model_;
  std::shared_ptr<Sink> sink_;
};

}  // namespace verge::serve::api
