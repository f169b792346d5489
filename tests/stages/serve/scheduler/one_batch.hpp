#pragma once
// One model's batch, for tests that look at single steps.

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <verge/stages/serve/scheduler/batch.hpp>

#include "guesses.hpp"
#include "serving.hpp"
#include "tiny_models.hpp"

namespace verge::serve {

class OneBatch : public testing::Test {
 protected:
  void SetUp() override {
    served_ = {.name = "m", .path = test::write_model(folder_, test::tiny_spec("tiny-llama"))};
    served_.load.context = 128;
    served_.load.max_sequences = 4;
    served_.load.max_outputs = 16;
    served_.load.kv_tokens = 256;
    auto face = read_face(served_);
    ASSERT_TRUE(face.ok()) << face.error().message;
    face_ = *face;
    model_ = test::load_model(served_.path, pool_, served_.load);
    ASSERT_NE(model_, nullptr);
    batch_.emplace(*model_, pool_, clock_, BatchOptions{.verify = true}, spills_);
  }

  static Request request(int64_t prompt, int64_t answer, int32_t first = 10) {
    Request request{.model = "m"};
    for (int64_t i = 0; i < prompt; ++i) request.prompt.push_back(first + static_cast<int32_t>(i));
    request.options.max_tokens = answer;
    request.options.ignore_end = true;
    request.options.sampling.temperature = 0;
    return request;
  }

  RequestId submit(const Request& request, std::shared_ptr<AnswerSink> sink) {
    auto task = make_task(request, std::move(sink), face_);
    EXPECT_TRUE(task.ok()) << task.error().message;
    (*task)->id = ++last_id_;
    accounts_.fair.arrive("");
    tasks_.push_back(std::move(*task));
    return last_id_;
  }

  std::shared_ptr<test::Receiver> add(int64_t prompt, int64_t answer, int32_t first = 10,
                                      std::shared_ptr<AnswerSink> sink = {}) {
    auto receiver = std::make_shared<test::Receiver>();
    submit(request(prompt, answer, first), sink ? sink : receiver);
    return receiver;
  }

  bool step() {
    const bool worked = batch_->step(tasks_, {accounts_, observer_, cancellations_});
    std::erase_if(tasks_, [](const auto& task) { return task->has_ended; });
    return worked;
  }

  void finish() {
    for (int i = 0; i < 2000 && !tasks_.empty(); ++i) step();
    EXPECT_TRUE(tasks_.empty());
  }

  // What follows each token in this answer; the last of equal tokens wins.
  static test::Guesses known(const std::vector<int32_t>& answer) {
    test::Guesses guesses;
    for (size_t i = 1; i < answer.size(); ++i) guesses[answer[i - 1]] = answer[i];
    return guesses;
  }

  // The same batch anew, with these guesses in every step.
  void guess(const test::Guesses& guesses) {
    accounts_ = {};
    batch_.emplace(*model_, pool_, clock_, BatchOptions{.drafts = {.always = true}, .verify = true},
                   spills_, test::told(guesses));
  }

  ModelSnapshot described() const {
    ModelSnapshot snapshot;
    batch_->describe(snapshot);
    return snapshot;
  }

  test::TemporaryFolder folder_;
  ServedModel served_;
  ThreadPool pool_{2};
  SystemClock clock_;
  std::shared_ptr<const ModelFace> face_;
  std::unique_ptr<model::LanguageModel> model_;
  SpillStore spills_{int64_t{1} << 30, ""};
  Accounts accounts_;
  EndObserver observer_;
  Cancellations cancellations_;
  std::optional<Batch> batch_;
  Tasks tasks_;
  RequestId last_id_ = 0;
};

}  // namespace verge::serve
