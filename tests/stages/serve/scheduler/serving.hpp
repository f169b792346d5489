#pragma once
// What tests of the scheduler share: a receiver of answers, and generate() as the oracle.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <verge/stages/serve/generate/generate.hpp>
#include <verge/stages/serve/scheduler/scheduler.hpp>

namespace verge::test {

/// Keeps what it is told. Read it on the engine's thread, or after has_ended.
struct Receiver : serve::AnswerSink {
  void on_start(const serve::Start& start) override {
    EXPECT_FALSE(started.has_value());
    started = start;
  }
  void on_piece(const serve::Piece& piece) override {
    EXPECT_FALSE(has_ended);
    text += piece.text;
    tokens.insert(tokens.end(), piece.tokens.begin(), piece.tokens.end());
    logprobs.insert(logprobs.end(), piece.logprobs.begin(), piece.logprobs.end());
  }
  void on_end(const serve::End& told) override {
    EXPECT_FALSE(has_ended);
    end = told;
    has_ended = true;
    has_ended.notify_all();
  }

  std::optional<serve::Start> started;
  std::string text;
  std::vector<int32_t> tokens;
  std::vector<serve::TokenLogprobs> logprobs;
  serve::End end;
  std::atomic<bool> has_ended = false;
};

/// The answer of the model alone, on a fresh session.
class Oracle {
 public:
  Oracle(const std::string& path, int64_t context) {
    model::LoadOptions options;
    options.context = context;
    auto loaded = model::LanguageModel::load(path, options, pool_);
    EXPECT_TRUE(loaded.ok()) << loaded.error().message;
    if (loaded) model_ = std::move(*loaded);
  }

  serve::Generation answer(const serve::Request& request) {
    runtime::Session session = model_->session();
    auto answer =
        serve::generate(*model_, session, request.prompt, request.options, clock_, {}, nullptr,
                        nullptr, request.constraint ? request.constraint->clone() : nullptr);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return answer ? *answer : serve::Generation{};
  }

  model::LanguageModel& model() { return *model_; }

 private:
  ThreadPool pool_{1};
  SystemClock clock_;
  std::unique_ptr<model::LanguageModel> model_;
};

}  // namespace verge::test
