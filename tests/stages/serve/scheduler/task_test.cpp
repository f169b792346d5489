#include <verge/stages/serve/scheduler/task.hpp>

#include "serving.hpp"
#include "shared_data.hpp"

namespace verge::serve {
namespace {

class Tasks : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto face = read_face({.name = "m", .path = test::repository_model()});
    ASSERT_TRUE(face.ok()) << face.error().message;
    face_ = *face;
  }
  static void TearDownTestSuite() { face_.reset(); }

  std::unique_ptr<Task> make(std::shared_ptr<AnswerSink> sink) {
    Request request{.model = "m", .prompt = {10, 11, 12}};
    auto task = make_task(request, std::move(sink), face_);
    EXPECT_TRUE(task.ok()) << task.error().message;
    (*task)->id = 7;
    (*task)->submitted_s = 1;
    return std::move(*task);
  }

  static std::shared_ptr<const ModelFace> face_;
};

std::shared_ptr<const ModelFace> Tasks::face_;

TEST_F(Tasks, TellTimesFromSubmission) {
  const auto receiver = std::make_shared<test::Receiver>();
  const auto task = make(receiver);
  ASSERT_TRUE(begin(*task, 3).ok());
  ASSERT_TRUE(begin(*task, 4).ok());  // only the first counts
  ASSERT_TRUE(deliver(*task, {.text = "a", .tokens = {20}, .logprobs = {}}, 6).ok());
  ASSERT_TRUE(deliver(*task, {.text = "b", .tokens = {21}, .logprobs = {}}, 7).ok());
  int observed = 0;
  const auto observer = [&](const Request& request, const End& end) {
    EXPECT_EQ(request.model, "m");
    EXPECT_EQ(end.id, 7u);
    ++observed;
  };
  finish(*task, {}, 8, observer);
  finish(*task, {}, 9, observer);  // only the first counts
  EXPECT_EQ(observed, 1);
  EXPECT_EQ(receiver->started->prompt_tokens, 3);
  EXPECT_EQ(receiver->text, "ab");
  const Timings& timings = receiver->end.timings;
  EXPECT_EQ(timings.queued_s, 2);
  EXPECT_EQ(timings.prefill_s, 3);
  EXPECT_EQ(timings.time_to_first_token_s, 5);
  EXPECT_EQ(timings.decode_s, 2);
  EXPECT_EQ(receiver->end.usage.prompt_tokens, 3);
  EXPECT_EQ(receiver->end.usage.answer_tokens, 2);
  EXPECT_EQ(task->feed, (std::vector<int32_t>{10, 11, 12, 20, 21}));
}

TEST_F(Tasks, ThatNeverBegunHaveOnlyWaited) {
  const auto receiver = std::make_shared<test::Receiver>();
  finish(*make(receiver), make_error(Code::Io, "x"), 5, {});
  EXPECT_EQ(receiver->end.timings.queued_s, 4);
  EXPECT_EQ(receiver->end.usage.prompt_tokens, 0);
  EXPECT_EQ(receiver->end.timings.time_to_first_token_s, 0);
  EXPECT_EQ(receiver->end.status.error().code, Code::Io);
  EXPECT_FALSE(receiver->started.has_value());
}

struct Thrower : AnswerSink {
  void on_start(const Start&) override { throw std::runtime_error("no"); }
  void on_piece(const Piece&) override { throw 5; }
  void on_end(const End&) override { throw std::runtime_error("no"); }
};

TEST_F(Tasks, SinksThatThrowAreContained) {
  const auto task = make(std::make_shared<Thrower>());
  EXPECT_EQ(begin(*task, 2).error().code, Code::Internal);
  EXPECT_EQ(deliver(*task, {.text = "a", .tokens = {}, .logprobs = {}}, 3).error().code,
            Code::Internal);
  finish(*task, {}, 4, [](const Request&, const End&) { throw std::runtime_error("no"); });
  EXPECT_TRUE(task->has_ended);
}

}  // namespace
}  // namespace verge::serve
