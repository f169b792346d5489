// The scheduler over a device's share of a model; the whole model alone is the oracle.

#include <eventually.hpp>

#include <verge/stages/serve/collab/edge_runner.hpp>
#include <verge/stages/serve/scheduler/scheduler.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

const char* const kText = "In the beginning of the year, the people of the city";

struct RunnerSink : AnswerSink {
  void on_piece(const Piece& piece) override {
    EXPECT_EQ(piece.origins.size(), piece.tokens.size());
    text += piece.text;
    tokens.insert(tokens.end(), piece.tokens.begin(), piece.tokens.end());
    for (const TokenOrigin& origin : piece.origins) {
      places.emplace_back(origin.place);
      reasons.emplace_back(origin.reason);
    }
    if (hears) hears();
  }
  void on_end(const End& told) override {
    end = told;
    has_ended = true;
    has_ended.notify_all();
  }

  std::function<void()> hears = {};
  std::string text;
  std::vector<int32_t> tokens;
  std::vector<std::string> places, reasons;
  End end;
  std::atomic<bool> has_ended = false;
};
using Answering = std::shared_ptr<RunnerSink>;

// A device that serves; its server is there or not.
class EdgeRunnerTest : public ::testing::Test {
 protected:
  static const SplitIdentity& split() { return SharedModels::get().split; }

  void start(EdgeOptions edge, EdgeRunnerOptions options = {}, int64_t kv_tokens = 2048) {
    ServedModel served{.name = "lm", .path = test::source_file("models/verge-lm.gguf")};
    served.load.context = 256;
    served.load.max_tokens = 128;
    served.load.max_sequences = 32;
    served.load.kv_tokens = kv_tokens;
    served.load.layers = {0, kExit2};
    const auto setup = [this, edge](model::LanguageModel&,
                                    const SplitIdentity&) -> Result<EdgeSetup> {
      EdgeSetup made{.edge = edge};
      if (edge.policy.mode != CollabMode::Standalone) made.link = [this] { return link(); };
      return made;
    };
    served.runner = std::make_shared<EdgeRunnerKind>(setup, options);
    pool_.emplace(std::vector{served}, clock_, ModelPoolOptions{});
    scheduler_.emplace(*pool_, clock_, SchedulerOptions{.warn = [this](const Error& error) {
      said_.push_back(error.message);
    }});
    engine_ = std::jthread([this](std::stop_token stop) { scheduler_->run(stop); });
  }
  ~EdgeRunnerTest() override {
    engine_.request_stop();
    if (engine_.joinable()) engine_.join();
    scheduler_.reset();
    pool_.reset();
  }

  std::unique_ptr<CloudLink> link() {
    const int number = ++links_;
    const auto connect = [this, number]() -> Result<std::unique_ptr<Channel>> {
      if (server_ && number == unanswered_link_) {
        const auto loses_tokens = [](const Message& message) {
          return is_of(message, CollabKind::Token) ? Fate::Lost : Fate::Passes;
        };
        return std::unique_ptr<Channel>(new WatchedChannel(server_->connect(), loses_tokens));
      }
      if (server_) return server_->connect();
      return make_error(Code::Io, "nobody is there");
    };
    return std::make_unique<CloudLink>(connect, hello_of(split(), fmt::format("{}", number)),
                                       limits_of(), CloudLinkOptions{.retry_s = 0.001});
  }

  static Request request(std::vector<int32_t> prompt, int64_t most_tokens) {
    Request request{.model = "lm", .prompt = std::move(prompt)};
    request.options.max_tokens = most_tokens;
    request.options.sampling.temperature = 0;
    request.options.ignore_end = true;
    return request;
  }
  Answering submit(Request request, Answering sink = std::make_shared<RunnerSink>()) {
    const auto id = scheduler_->submit(std::move(request), sink);
    EXPECT_TRUE(id.ok()) << id.error().message;
    return sink;
  }
  static void wait(const Answering& sink) {
    sink->has_ended.wait(false);
    EXPECT_TRUE(sink->end.status.ok()) << sink->end.status.error().message;
  }

  SystemClock clock_;
  std::optional<TestServer> server_;
  std::atomic<int> links_ = 0;
  int unanswered_link_ = 0;        // by its number; 0: none
  std::vector<std::string> said_;  // the engine's thread
  std::optional<ModelPool> pool_;
  std::optional<Scheduler> scheduler_;
  std::jthread engine_;
};

TEST_F(EdgeRunnerTest, AnswersAtOnceAreEachTheWholeModels) {
  server_.emplace(split(), clock_, 1024);
  start(asking("f32"));
  std::vector<std::pair<Answering, std::vector<int32_t>>> answers;
  for (const char* text : {kText, "The king", "O Romeo, Romeo! Wherefore"}) {
    const std::vector<int32_t> prompt = prompt_tokens(text);
    answers.emplace_back(submit(request(prompt, 24)), whole_text(prompt, 24));
  }
  for (const auto& [answer, expected] : answers) {
    wait(answer);
    EXPECT_EQ(answer->tokens, expected);
    EXPECT_EQ(answer->places, std::vector<std::string>(24, "cloud"));
    EXPECT_EQ(answer->reasons, std::vector<std::string>(24, "asked"));
    EXPECT_EQ(answer->end.reason, StopReason::MaxTokens);
    EXPECT_EQ(answer->end.usage.answer_tokens, 24);
    EXPECT_EQ(answer->end.usage.places,
              (std::map<std::string_view, int64_t>{
                  {"exit1", 0}, {"exit2", 0}, {"cloud", 24}, {"degraded", 0}}));
    EXPECT_EQ(answer->end.usage.cached_tokens, 0);
  }
}

TEST_F(EdgeRunnerTest, AnAnswerThatWaitsForTheServerHoldsNoOtherUp) {
  server_.emplace(split(), clock_, 1024);
  unanswered_link_ = 1;
  start(asking("f32"));
  const RequestId waits =
      *scheduler_->submit(request(prompt_tokens("The king"), 8), std::make_shared<RunnerSink>());
  const std::vector<int32_t> prompt = prompt_tokens(kText);
  const Answering other = submit(request(prompt, 24));
  wait(other);
  EXPECT_EQ(other->tokens, whole_text(prompt, 24));
  scheduler_->cancel(waits);
}

TEST_F(EdgeRunnerTest, ATurnRunsOnlyWhatIsNew) {
  server_.emplace(split(), clock_, 1024);
  start(asking("f32"));
  std::vector<int32_t> prompt = prompt_tokens(kText);
  const Answering first = submit(request(prompt, 16));
  wait(first);
  const auto said = static_cast<int64_t>(prompt.size() + first->tokens.size());
  prompt.insert(prompt.end(), first->tokens.begin(), first->tokens.end());
  const std::vector<int32_t> more = prompt_tokens(" and the king said");
  prompt.insert(prompt.end(), more.begin(), more.end());
  Request salted = request(prompt, 16);
  salted.cache_salt = "another";
  const Answering apart = submit(salted);
  wait(apart);
  EXPECT_EQ(apart->end.usage.cached_tokens, 0);
  const Answering second = submit(request(prompt, 16));
  wait(second);
  EXPECT_EQ(second->end.usage.cached_tokens, said - 1);  // its newest token was not run yet
  EXPECT_EQ(second->end.usage.prompt_tokens, std::ssize(prompt));
  EXPECT_EQ(second->places, std::vector<std::string>(16, "cloud"));
  // The same text in one piece: decoded tokens have other sums than those of a prompt.
  EXPECT_EQ(second->tokens.front(), apart->tokens.front());
}

// A session may hold more than was said.
TEST_F(EdgeRunnerTest, DraftsChangeNoTokenAndAreNotCountedAsCached) {
  server_.emplace(split(), clock_, 1024);
  EdgeOptions drafting = asking("f32");
  drafting.draft_tokens = 6;
  start(drafting);
  std::vector<int32_t> prompt = prompt_tokens(kText);
  const Answering first = submit(request(prompt, 16));
  wait(first);
  EXPECT_EQ(first->tokens, whole_text(prompt, 16));
  prompt.insert(prompt.end(), first->tokens.begin(), first->tokens.end());
  const int64_t said = std::ssize(prompt);
  const std::vector<int32_t> more = prompt_tokens(" and the king said");
  prompt.insert(prompt.end(), more.begin(), more.end());
  const Answering second = submit(request(prompt, 16));
  wait(second);
  EXPECT_GE(second->end.usage.cached_tokens, said - 1);
  EXPECT_LE(second->end.usage.cached_tokens, said);
  EXPECT_EQ(second->tokens.size(), 16u);
}

TEST_F(EdgeRunnerTest, StopStringsEndAnAnswer) {
  EdgeOptions alone;
  alone.policy.mode = CollabMode::Standalone;
  start(alone);
  const Answering whole = submit(request(prompt_tokens(kText), 30));
  wait(whole);
  ASSERT_GT(whole->text.size(), 12u);
  const std::string stop = whole->text.substr(8, 4);
  Request stopped = request(prompt_tokens(kText), 30);
  stopped.options.stop = {stop};
  const Answering cut = submit(stopped);
  wait(cut);
  EXPECT_EQ(cut->text, whole->text.substr(0, whole->text.find(stop)));
  EXPECT_EQ(cut->end.reason, StopReason::StopString);
  EXPECT_EQ(cut->end.usage.places.at("cloud") + cut->end.usage.places.at("degraded"), 0);
}

TEST_F(EdgeRunnerTest, WithoutTheServerAnswersGoOnAndItIsSaidOnce) {
  EdgeOptions edge = asking();
  edge.policy.token_deadline_s = 0.01;
  start(edge, {.first_link_s = 0});
  for (const char* text : {kText, "The king"}) {
    const Answering answer = submit(request(prompt_tokens(text), 8));
    wait(answer);
    EXPECT_EQ(answer->places, std::vector<std::string>(8, "degraded"));
    EXPECT_EQ(answer->end.usage.places.at("degraded"), 8);
    EXPECT_EQ(answer->reasons[0], "link down");
  }
  engine_.request_stop();
  engine_.join();
  ASSERT_EQ(said_.size(), 1u);
  EXPECT_NE(said_[0].find("without the cloud"), std::string::npos) << said_[0];
}

TEST_F(EdgeRunnerTest, AnAnswerWaitsForALinkThatIsNew) {
  server_.emplace(split(), clock_, 1024);
  start(asking(), {.first_link_s = 600});
  const Answering answer = submit(request(prompt_tokens(kText), 4));
  wait(answer);
  EXPECT_EQ(answer->places, std::vector<std::string>(4, "cloud"));
}

TEST_F(EdgeRunnerTest, WhatIsGivenUpEndsAndOthersGoOn) {
  EdgeOptions alone;
  alone.policy.mode = CollabMode::Standalone;
  start(alone);
  const auto given_up = std::make_shared<RunnerSink>();
  std::atomic<RequestId> id = 0;
  given_up->hears = [&] {
    id.wait(0);
    scheduler_->cancel(id);
  };
  const Answering other = submit(request(prompt_tokens("The king"), 40));
  id = *scheduler_->submit(request(prompt_tokens(kText), 200), given_up);
  id.notify_all();
  wait(given_up);
  EXPECT_EQ(given_up->end.reason, StopReason::Cancelled);
  EXPECT_LT(given_up->end.usage.answer_tokens, 200);
  wait(other);
  EXPECT_EQ(other->tokens.size(), 40u);
  const Answering next = submit(request(prompt_tokens(kText), 8));
  wait(next);
  EXPECT_EQ(next->tokens.size(), 8u);
}

TEST_F(EdgeRunnerTest, AnswersWaitForPagesAndNoneLacksAny) {
  EdgeOptions alone;
  alone.policy.mode = CollabMode::Standalone;
  start(alone, {.max_running = 4}, 256);
  std::vector<Answering> answers;
  for (const char* text : {kText, "The king", "O Romeo"}) {
    answers.push_back(submit(request(prompt_tokens(text), -1)));  // the whole cache each
  }
  for (const Answering& answer : answers) {
    wait(answer);
    EXPECT_EQ(answer->end.reason, StopReason::ContextFull);
    EXPECT_EQ(answer->end.usage.prompt_tokens + answer->end.usage.answer_tokens, 257);
  }
}

TEST_F(EdgeRunnerTest, WhatTwoMachinesCannotDoIsRefusedByName) {
  EdgeOptions alone;
  alone.policy.mode = CollabMode::Standalone;
  start(alone);
  const auto expect = [&](const char* name, const std::function<void(Request&)>& change) {
    Request changed = request(prompt_tokens(kText), 4);
    change(changed);
    const auto refused = scheduler_->submit(changed, std::make_shared<RunnerSink>());
    ASSERT_FALSE(refused.ok()) << name;
    EXPECT_EQ(refused.error().code, Code::InvalidArgument);
    EXPECT_NE(refused.error().message.find(name), std::string::npos) << refused.error().message;
    EXPECT_NE(refused.error().message.find("leave it out"), std::string::npos);
  };
  expect("logprobs", [](Request& r) { r.options.top_logprobs = 0; });
  expect("logprobs", [](Request& r) { r.prompt_logprobs = 1; });
  expect("min_tokens", [](Request& r) { r.options.min_tokens = 2; });
  expect("embedding", [](Request& r) { r.embed = model::Pooling::Mean; });
  expect("repetition_penalty", [](Request& r) { r.options.sampling.repetition_penalty = 1.1f; });
  expect("frequency_penalty", [](Request& r) { r.options.sampling.frequency_penalty = 0.5f; });
  expect("presence_penalty", [](Request& r) { r.options.sampling.presence_penalty = 0.5f; });
  expect("mirostat", [](Request& r) { r.options.sampling.mirostat_tau = 5; });
  expect("logit_bias", [](Request& r) { r.options.sampling.logit_bias = {{1, 1}}; });
}

}  // namespace
}  // namespace verge::serve
