// Vectors and scores of prompts, whose rows come of many steps, beside the answers of others.

#include <verge/engine/runtime/session.hpp>
#include <verge/engine/text/grammar/grammar_constraint.hpp>
#include <verge/stages/serve/scheduler/batch_rows.hpp>

#include "one_batch.hpp"

namespace verge::serve {
namespace {

struct RowReceiver : test::Receiver {
  void on_embedding(std::span<const float> told) override {
    EXPECT_TRUE(vector.empty());
    vector.assign(told.begin(), told.end());
  }
  void on_prompt(std::span<const TokenLogprobs> told) override {
    EXPECT_TRUE(!is_scored && tokens.empty());
    is_scored = true;
    scores.assign(told.begin(), told.end());
  }
  std::vector<float> vector;
  bool is_scored = false;
  std::vector<TokenLogprobs> scores;
};

class BatchRows : public OneBatch {
 protected:
  // The batch anew: so many tokens of a step are for prompts.
  void in_steps_of(int64_t tokens, int64_t reserve_pages = 0) {
    batch_.emplace(
        *model_, pool_, clock_,
        BatchOptions{.step_tokens = tokens, .reserve_pages = reserve_pages, .verify = true},
        spills_);
  }

  static Request vector_of(int64_t tokens, model::Pooling pooling = model::Pooling::Mean) {
    Request request{.model = "m"};
    request.prompt = test::random_tokens(tokens, 512);
    request.embed = pooling;
    return request;
  }

  static Request scored(Request request, int top = 2) {
    request.prompt_logprobs = top;
    return request;
  }

  std::shared_ptr<RowReceiver> ask(const Request& request) {
    auto receiver = std::make_shared<RowReceiver>();
    submit(request, receiver);
    return receiver;
  }

  std::vector<float> embedded(const Request& request) {
    const auto vector = model::embed(*model_, request.prompt, *request.embed);
    EXPECT_TRUE(vector.ok()) << vector.error().message;
    return vector ? *vector : std::vector<float>{};
  }

  // As a session says that runs token by token.
  void expect_scores(const RowReceiver& told, const std::vector<int32_t>& prompt) {
    ASSERT_TRUE(told.is_scored);
    ASSERT_EQ(told.scores.size(), prompt.size() - 1);
    runtime::Session session = model_->session();
    for (size_t i = 0; i + 1 < prompt.size(); ++i) {
      ASSERT_TRUE(session.append(std::span(prompt).subspan(i, 1)).ok());
      const auto logits = session.logits();
      EXPECT_EQ(told.scores[i].chosen.token, prompt[i + 1]);
      EXPECT_NEAR(told.scores[i].chosen.logprob, text::token_logprob(logits, prompt[i + 1]), 1e-3);
      const auto top = text::top_logprobs(logits, 2);
      ASSERT_EQ(told.scores[i].top.size(), 2u);
      for (size_t k = 0; k < 2; ++k) {
        EXPECT_NEAR(told.scores[i].top[k].logprob, top[k].logprob, 1e-3);
      }
    }
  }

  // Everybody has left the queue, once.
  void expect_nobody_waits() { EXPECT_THROW(accounts_.fair.leave(""), InternalError); }
};

TEST_F(BatchRows, EveryKindOfVectorIsThatOfTheTextAlone) {
  in_steps_of(32);
  for (const auto pooling : {model::Pooling::Mean, model::Pooling::Cls, model::Pooling::Last}) {
    for (const int64_t tokens : {1, 9, 40, 120}) {
      const Request request = vector_of(tokens, pooling);
      const auto told = ask(request);
      finish();
      ASSERT_TRUE(told->end.status.ok()) << told->end.status.error().message;
      EXPECT_EQ(told->end.reason, StopReason::EndOfText);
      EXPECT_EQ(told->end.usage.prompt_tokens, tokens);
      EXPECT_LE(test::relative_error(told->vector, embedded(request)), 1e-5) << tokens;
    }
  }
  expect_nobody_waits();
}

TEST_F(BatchRows, AnswersGoOnBetweenTheChunksOfAVector) {
  in_steps_of(32);
  const auto alone = add(60, 40);
  finish();
  const auto a = add(60, 40);
  while (a->tokens.empty()) step();
  const Request request = vector_of(120);
  const auto told = ask(request);
  int steps = 0;
  for (; !told->has_ended; ++steps) {
    const size_t before = a->tokens.size();
    const int64_t run = described().prefill_tokens;
    ASSERT_TRUE(step());
    EXPECT_EQ(a->tokens.size(), before + 1);
    EXPECT_LE(described().prefill_tokens - run, 31);
  }
  EXPECT_GE(steps, 4);
  EXPECT_EQ(told->vector, embedded(request));  // every bit
  finish();
  EXPECT_EQ(a->tokens, alone->tokens);
}

TEST_F(BatchRows, ManyVectorsShareARun) {
  in_steps_of(512);
  std::vector<std::shared_ptr<RowReceiver>> told;
  for (int i = 0; i < 4; ++i) told.push_back(ask(vector_of(20 + i)));
  step();
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(told[static_cast<size_t>(i)]->has_ended);
    EXPECT_EQ(told[static_cast<size_t>(i)]->vector, embedded(vector_of(20 + i)));
  }
  EXPECT_EQ(described().steps, 1);
}

TEST_F(BatchRows, AVectorThatIsGivenUpStopsAtOnce) {
  in_steps_of(32);
  const auto told = ask(vector_of(120));
  step();
  const int64_t length = tasks_[0]->length();
  EXPECT_GT(length, 0);
  EXPECT_LT(length, 120);
  cancellations_.request(last_id_);
  step();  // its run stops before it has done anything
  EXPECT_EQ(tasks_[0]->length(), length);
  EXPECT_FALSE(told->has_ended);
  tasks_.clear();
  EXPECT_EQ(model_->decoder().pool.free_pages(), model_->decoder().pool.pages());
}

// Of 8 pages the answers hold 6 and more, a vector takes 4.
TEST_F(BatchRows, AVectorWaitsForTheAnswersThatCameBefore) {
  in_steps_of(512);
  const auto a = add(90, 30), b = add(90, 10, 200);
  for (int i = 0; i < 8 && (a->tokens.empty() || b->tokens.empty()); ++i) step();
  ASSERT_FALSE(a->tokens.empty() || b->tokens.empty());
  const auto told = ask(vector_of(120));
  step();
  EXPECT_FALSE(told->has_ended);
  for (int i = 0; i < 100 && !told->has_ended; ++i) step();
  ASSERT_TRUE(told->has_ended);
  EXPECT_TRUE(told->end.status.ok());
  EXPECT_TRUE(b->has_ended);
  EXPECT_FALSE(a->has_ended);
  EXPECT_EQ(described().preemptions, 0);
  finish();
  EXPECT_EQ(a->tokens.size(), 30u);
}

// In memory or, where there is no room, to begin anew.
TEST_F(BatchRows, WhatIsPutAsideIsTheSame) {
  SpillStore no_room(1, "");
  for (SpillStore* spills : {&spills_, &no_room}) {
    batch_.emplace(*model_, pool_, clock_,
                   BatchOptions{.step_tokens = 32, .reserve_pages = 0, .verify = true}, *spills);
    const auto vector = ask(vector_of(120));
    const Request request = this->request(100, 1);
    const auto told = ask(scored(request));
    step();
    for (const auto& task : tasks_) {
      ASSERT_GT(task->length(), 0);
      ASSERT_LT(task->length(), 100);
      batch_->pages().put_aside(*task);
    }
    finish();
    EXPECT_EQ(vector->end.timings.preemptions, 1);
    EXPECT_EQ(vector->vector, embedded(vector_of(120)));
    EXPECT_EQ(told->end.timings.preemptions, 1);
    expect_scores(*told, request.prompt);
  }
}

TEST_F(BatchRows, APromptIsScoredAsTheModelFindsIt) {
  for (const int64_t prompt : {1, 2, 20, 100}) {
    for (const int64_t answer : {0, 1, 12}) {
      const auto alone = add(prompt, answer);
      finish();
      const Request request = this->request(prompt, answer);
      const auto told = ask(scored(request));
      finish();
      ASSERT_TRUE(told->end.status.ok()) << told->end.status.error().message;
      expect_scores(*told, request.prompt);
      EXPECT_EQ(told->tokens, alone->tokens);
      EXPECT_EQ(told->end.reason, StopReason::MaxTokens);
    }
  }
  expect_nobody_waits();
}

// Where rows suffice for chunks, what was scored is what the answer is drawn from.
TEST_F(BatchRows, APromptThatIsScoredRunsOnce) {
  batch_.reset();
  served_.load.max_outputs = 64;
  model_ = test::load_model(served_.path, pool_, served_.load);
  in_steps_of(512);
  const auto told = ask(scored(request(100, 1)));
  finish();
  EXPECT_EQ(told->scores.size(), 99u);
  EXPECT_EQ(described().prefill_tokens, 100);
  EXPECT_EQ(described().pages_cached, 3);  // and others find it
  const auto other = add(100, 1);
  finish();
  EXPECT_GE(other->started->cached_tokens, 64);
}

TEST_F(BatchRows, AnswersGoOnBesideAPromptThatIsScored) {
  const auto alone = add(60, 40);
  finish();
  const auto a = add(60, 40), b = add(60, 40);
  while (a->tokens.empty() || b->tokens.empty()) step();
  const Request request = this->request(100, 3, 200);
  const auto told = ask(scored(request));
  while (!told->has_ended) {
    const size_t before = a->tokens.size();
    step();
    EXPECT_EQ(a->tokens.size(), std::min<size_t>(before + 1, 40));
  }
  expect_scores(*told, request.prompt);
  finish();
  EXPECT_EQ(a->tokens, alone->tokens);
}

// The rows of a step are few, and nobody starves.
TEST_F(BatchRows, PromptsThatAreScoredTogetherAllEnd) {
  const auto quiet = add(100, 5, 300);
  finish();
  std::vector<std::shared_ptr<RowReceiver>> told;
  std::vector<Request> requests;
  for (int i = 0; i < 6; ++i) {
    requests.push_back(request(30 + 15 * i, i % 3, 10 + 40 * i));
    told.push_back(ask(scored(requests.back())));
  }
  const auto beside = add(100, 5, 300);
  finish();
  EXPECT_EQ(beside->tokens, quiet->tokens);
  batch_.reset();  // and the pages of prefixes with it
  for (size_t i = 0; i < told.size(); ++i) {
    ASSERT_TRUE(told[i]->end.status.ok()) << told[i]->end.status.error().message;
    expect_scores(*told[i], requests[i].prompt);
  }
}

// Answers of one grammar share its tables, and are drawn on all threads.
TEST_F(BatchRows, ConstrainedAnswersTogetherAreThoseOfEachAlone) {
  const std::shared_ptr<const text::TokenConstraint> json =
      text::constraint(text::Grammar::json_object(), text::TokenTrie::build(*face_->tokenizer));
  const auto seeded = [&](uint64_t seed) {
    Request request = this->request(20, 25, 10);
    request.constraint = json;
    request.options.sampling.temperature = 1;
    request.options.sampling.seed = seed;
    return request;
  };
  std::vector<std::vector<int32_t>> alone;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    const auto told = ask(seeded(seed));
    finish();
    alone.push_back(told->tokens);
  }
  std::vector<std::shared_ptr<RowReceiver>> together;
  for (uint64_t seed = 0; seed < 4; ++seed) together.push_back(ask(seeded(seed)));
  finish();
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(together[i]->tokens, alone[i]);
  EXPECT_NE(alone[0], alone[1]);
}

TEST_F(BatchRows, OneThatFailsEndsAlone) {
  const auto good = ask(vector_of(50)), bad = ask(vector_of(50));
  const auto good_scores = ask(scored(request(40, 1))), bad_scores = ask(scored(request(40, 1)));
  tasks_[1]->feed[3] = -1;
  tasks_[3]->feed[3] = -1;
  finish();
  EXPECT_EQ(bad->end.status.error().code, Code::InvalidArgument);
  EXPECT_EQ(bad_scores->end.status.error().code, Code::InvalidArgument);
  EXPECT_EQ(good->vector, embedded(vector_of(50)));
  EXPECT_EQ(good_scores->scores.size(), 39u);
  expect_nobody_waits();
}

}  // namespace
}  // namespace verge::serve
