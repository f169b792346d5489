#include <verge/engine/runtime/step.hpp>

#include "tiny_models.hpp"

namespace verge::runtime {
namespace {

class StepTest : public testing::Test {
 protected:
  void load(std::string_view shape, const model::LoadOptions& options, DType dtype = DType::F32) {
    path_ = test::write_model(folder_, test::tiny_spec(shape), dtype);
    model_ = test::load_model(path_, pool_, options);
    ASSERT_NE(model_, nullptr);
    tokens_ = test::random_tokens(200, 512);
  }
  Decoder& decoder() { return model_->decoder(); }
  std::span<const int32_t> tokens(size_t first, size_t count) const {
    return std::span(tokens_).subspan(first, count);
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{2};
  std::string path_;
  std::unique_ptr<model::LanguageModel> model_;
  std::vector<int32_t> tokens_;
};

TEST_F(StepTest, RefusesMoreThanThePlansAreFor) {
  load("tiny-llama", {.context = 64, .max_tokens = 8, .max_sequences = 2, .kv_tokens = 192});
  Sequence a(decoder()), b(decoder()), c(decoder());
  const auto code = [&](std::vector<StepItem> items) {
    return run_step(decoder(), items).error().code;
  };
  EXPECT_EQ(code({{&a, tokens(0, 5)}, {&b, tokens(0, 4)}}), Code::InvalidArgument);
  EXPECT_EQ(code({{&a, tokens(0, 1)}, {&b, tokens(0, 1)}, {&c, tokens(0, 1)}}),
            Code::InvalidArgument);
  EXPECT_EQ(code({{&a, tokens(0, 4), 3}}), Code::InvalidArgument);
  const std::vector<int32_t> foreign = {1, 512};
  EXPECT_EQ(code({{&a, foreign}}), Code::InvalidArgument);
  const std::vector<StepItem> twice = {{&a, tokens(0, 1)}, {&a, tokens(1, 1)}};
  EXPECT_THROW((void)run_step(decoder(), twice), InternalError);
  EXPECT_EQ(a.length() + b.length() + c.length(), 0);
  EXPECT_TRUE(run_step(decoder(), {}).ok());
}

TEST_F(StepTest, AFailureLeavesAllSequencesAsTheyWere) {
  load("tiny-llama", {.context = 64, .max_tokens = 32, .max_sequences = 3, .kv_tokens = 96});
  Sequence a(decoder()), b(decoder()), c(decoder());
  std::vector<StepItem> items = {{&a, tokens(0, 10)}, {&b, tokens(50, 10)}};
  ASSERT_TRUE(run_step(decoder(), items).ok());
  ASSERT_TRUE(b.reserve(33).ok());
  const int32_t free = decoder().pool.free_pages();
  items = {{&a, tokens(10, 23)}, {&c, tokens(0, 1)}};
  EXPECT_EQ(run_step(decoder(), items).error().code, Code::OutOfMemory);
  items = {{&a, tokens(10, 1)}, {&b, tokens(60, 1)}};
  const std::atomic<bool> cancel = true;
  EXPECT_EQ(run_step(decoder(), items, &cancel).error().code, Code::Cancelled);
  EXPECT_EQ(a.length(), 10);
  EXPECT_EQ(b.length(), 10);
  EXPECT_EQ(b.pages().size(), 2u);
  EXPECT_EQ(decoder().pool.free_pages(), free);
  EXPECT_TRUE(run_step(decoder(), items).ok());
  EXPECT_EQ(a.length(), 11);
}

TEST_F(StepTest, RowsCountThroughTheItems) {
  load("tiny-llama", {.context = 64,
                      .max_outputs = 8,
                      .max_sequences = 4,
                      .kv_tokens = 256,
                      .kv_dtype = DType::F32});
  Sequence a(decoder()), b(decoder()), c(decoder());
  const std::vector<StepItem> items = {
      {&a, tokens(0, 9), 2}, {&b, tokens(20, 9), 0}, {&c, tokens(40, 1), 1}};
  ASSERT_TRUE(run_step(decoder(), items).ok());
  EXPECT_THROW(step_logits(decoder(), 3), InternalError);
  std::vector<std::vector<float>> rows;
  for (int64_t row = 0; row < 3; ++row) {
    const auto logits = step_logits(decoder(), row);
    EXPECT_EQ(step_hidden(decoder(), row).size(), static_cast<size_t>(decoder().d_model));
    rows.emplace_back(logits.begin(), logits.end());
  }
  Session whole = model_->session();
  ASSERT_TRUE(whole.append(tokens(0, 8)).ok());
  EXPECT_LE(test::relative_error(rows[0], whole.logits()), 1e-5);
  ASSERT_TRUE(whole.append(tokens(8, 1)).ok());
  EXPECT_LE(test::relative_error(rows[1], whole.logits()), 1e-5);
  Session other = model_->session();
  ASSERT_TRUE(other.append(tokens(40, 1)).ok());
  EXPECT_LE(test::relative_error(rows[2], other.logits()), 1e-5);
  // A step without any output, then one of a sequence that had none.
  const std::vector<StepItem> silent = {{&c, tokens(41, 1), 0}};
  ASSERT_TRUE(run_step(decoder(), silent).ok());
  EXPECT_THROW(step_logits(decoder(), 0), InternalError);
  EXPECT_EQ(c.length(), 2);
}

TEST(Step, ChunksNeverLeaveARestBelowTheLeast) {
  struct Case {
    int64_t rest, most, chunk;
  };
  for (const auto& [rest, most, chunk] :
       {Case{3, 10, 3}, Case{10, 10, 10}, Case{12, 10, 8}, Case{13, 10, 9}, Case{30, 10, 10},
        Case{7, 6, 0}, Case{8, 6, 4}, Case{20, 3, 0}, Case{2, 0, 0}}) {
    EXPECT_EQ(next_chunk(rest, most, 4), chunk) << rest << " of " << most;
  }
}

TEST_F(StepTest, ChunksLeaveEnoughForTheNext) {
  load("tiny-llama", {.context = 64});
  const int64_t least = decoder().min_chunk;
  for (int64_t most = least; most < 3 * least; ++most) {
    for (int64_t total = 1; total < 8 * least; ++total) {
      int64_t rest = total;
      while (rest > 0) {
        const int64_t chunk = next_chunk(rest, most, least);
        ASSERT_LE(chunk, most);
        if (chunk == 0) {  // then the rest can only be cut into too little
          ASSERT_LT(most, 2 * least);
          ASSERT_EQ(chunk_to_run(decoder(), rest, most), std::min(rest, most));
          break;
        }
        ASSERT_TRUE(chunk >= least || chunk == total) << total << " " << most;
        rest -= chunk;
      }
    }
  }
}

}  // namespace
}  // namespace verge::runtime
