// Adapters by name: many in one batch, none in another's answer.

#include <thread>

#include "adapters.hpp"
#include "serving.hpp"
#include "tiny_models.hpp"

namespace verge::serve {
namespace {

class Adapters : public testing::Test {
 protected:
  void SetUp() override {
    served_ = {.name = "m", .path = test::write_model(folder_, test::tiny_spec("tiny-llama"))};
    for (const uint64_t seed : {1, 2}) {
      const std::string path = folder_ / fmt::format("{}.gguf", seed);
      test::random_adapter(served_.path, {.seed = seed}).write_gguf(path);
      served_.load.adapters.push_back({.name = fmt::format("lora{}", seed), .path = path});
    }
    served_.load.context = 128;
    served_.load.max_sequences = 8;
    served_.load.kv_tokens = 1024;
  }

  static Request request(int32_t first, const std::string& adapter) {
    Request request{.model = "m", .adapter = adapter};
    for (int32_t i = 0; i < 70; ++i) request.prompt.push_back(first + i);
    request.options.max_tokens = 12;
    request.options.ignore_end = true;
    request.options.sampling.temperature = 0;
    return request;
  }

  // On a session of its own.
  std::vector<int32_t> alone(const Request& request) {
    if (model_ == nullptr) model_ = test::load_model(served_.path, threads_, served_.load);
    runtime::Session session = model_->session();
    session.set_adapter(request.adapter.empty() ? -1 : *model_->adapter(request.adapter));
    const auto answer = generate(*model_, session, request.prompt, request.options, clock_);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return answer ? answer->tokens : std::vector<int32_t>{};
  }

  void expect_each_alone() {
    ModelPool pool({served_}, clock_, {});
    Scheduler scheduler(pool, clock_, {.always_draft = true, .verify = true});
    std::vector<Request> requests;
    for (const char* adapter : {"", "lora1", "lora2", "lora1", ""}) {
      requests.push_back(request(10, adapter));  // the same prompt: pages are an adapter's own
      requests.push_back(request(40, adapter));
    }
    std::vector<std::shared_ptr<test::Receiver>> receivers;
    for (const Request& asked : requests) {
      receivers.push_back(std::make_shared<test::Receiver>());
      const auto id = scheduler.submit(asked, receivers.back());
      ASSERT_TRUE(id.ok()) << id.error().message;
    }
    while (!std::ranges::all_of(receivers, [](const auto& r) { return r->has_ended.load(); })) {
      if (!scheduler.step()) std::this_thread::yield();
    }
    for (size_t i = 0; i < requests.size(); ++i) {
      ASSERT_TRUE(receivers[i]->end.status.ok()) << receivers[i]->end.status.error().message;
      EXPECT_EQ(receivers[i]->tokens, alone(requests[i])) << i;
    }
    EXPECT_NE(receivers[0]->tokens, receivers[2]->tokens);
    EXPECT_NE(receivers[2]->tokens, receivers[4]->tokens);
    EXPECT_EQ(scheduler.snapshot().models[0].prefix_hits, 4);  // the later two of each
  }

  test::TemporaryFolder folder_;
  SystemClock clock_;
  ThreadPool threads_{1};
  ServedModel served_;
  std::unique_ptr<model::LanguageModel> model_;
};

TEST_F(Adapters, EachAnswerIsThatOfItsOwn) {
  expect_each_alone();
}

// Guesses are the base model's, answers the adapter's.
TEST_F(Adapters, GuessedAheadToo) {
  served_.load.max_outputs = 32;
  for (const auto kind : {DraftSource::Kind::Ngram, DraftSource::Kind::Model}) {
    served_.drafts = {.kind = kind, .path = served_.path};
    expect_each_alone();
  }
}

struct Scored : test::Receiver {
  void on_prompt(std::span<const TokenLogprobs> told) override {
    scores.assign(told.begin(), told.end());
  }
  std::vector<TokenLogprobs> scores;
};

TEST_F(Adapters, PromptsAreScoredByTheirOwn) {
  served_.load.max_outputs = 32;
  ModelPool pool({served_}, clock_, {});
  Scheduler scheduler(pool, clock_, {.verify = true});
  std::vector<Request> requests;
  std::vector<std::shared_ptr<Scored>> receivers;
  for (const char* adapter : {"", "lora1", "lora2", "lora1"}) {
    requests.push_back(request(10, adapter));
    requests.back().prompt_logprobs = 1;
    receivers.push_back(std::make_shared<Scored>());
    ASSERT_TRUE(scheduler.submit(requests.back(), receivers.back()).ok());
  }
  while (!std::ranges::all_of(receivers, [](const auto& r) { return r->has_ended.load(); })) {
    if (!scheduler.step()) std::this_thread::yield();
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(receivers[i]->tokens, alone(requests[i])) << i;
    runtime::Session session = model_->session();
    session.set_adapter(i == 0 ? -1 : *model_->adapter(requests[i].adapter));
    const auto& prompt = requests[i].prompt;
    ASSERT_EQ(receivers[i]->scores.size(), prompt.size() - 1);
    for (size_t t = 0; t + 1 < prompt.size(); ++t) {
      ASSERT_TRUE(session.append(std::span(prompt).subspan(t, 1)).ok());
      EXPECT_NEAR(receivers[i]->scores[t].chosen.logprob,
                  text::token_logprob(session.logits(), prompt[t + 1]), 1e-3);
    }
  }
  EXPECT_NE(receivers[0]->scores[9].chosen.logprob, receivers[1]->scores[9].chosen.logprob);
  EXPECT_NE(receivers[1]->scores[9].chosen.logprob, receivers[2]->scores[9].chosen.logprob);
}

TEST_F(Adapters, OneThatIsNotThereIsNamed) {
  ModelPool pool({served_}, clock_, {});
  Scheduler scheduler(pool, clock_, {});
  const auto id = scheduler.submit(request(10, "lora3"), std::make_shared<test::Receiver>());
  ASSERT_FALSE(id.ok());
  EXPECT_EQ(id.error().code, Code::NotFound);
  EXPECT_NE(id.error().message.find("lora1, lora2"), std::string::npos) << id.error().message;
}

}  // namespace
}  // namespace verge::serve
