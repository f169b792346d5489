#include <algorithm>

#include <gtest/gtest.h>

#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/scheduler/spill.hpp>

#include "small_disk.hpp"
#include "tiny_models.hpp"

namespace verge::serve {
namespace {

class Spills : public testing::Test {
 protected:
  void SetUp() override {
    model::LoadOptions options;
    options.context = 128;
    options.max_sequences = 2;
    options.kv_tokens = 256;
    model_ =
        test::load_model(test::write_model(folder_, test::tiny_spec("tiny-llama")), pool_, options);
    ASSERT_NE(model_, nullptr);
    sequence_.emplace(model_->decoder());
    run(*sequence_, test::random_tokens(70, 512));
  }

  void run(runtime::Sequence& sequence, std::span<const int32_t> tokens) {
    const runtime::StepItem item{&sequence, tokens};
    const Status status = runtime::run_step(model_->decoder(), {&item, 1});
    ASSERT_TRUE(status.ok()) << status.error().message;
  }

  std::vector<float> logits_after(runtime::Sequence& sequence, int32_t token) {
    run(sequence, {&token, 1});
    const auto logits = runtime::step_logits(model_->decoder(), 0);
    return {logits.begin(), logits.end()};
  }

  std::unique_ptr<Spill> put(SpillStore& store) {
    auto spill = store.put(*sequence_);
    EXPECT_TRUE(spill.ok()) << spill.error().message;
    return spill ? std::move(*spill) : nullptr;
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
  std::unique_ptr<model::LanguageModel> model_;
  std::optional<runtime::Sequence> sequence_;
};

TEST_F(Spills, ComeBackBitForBitFromMemoryAndFile) {
  for (const int64_t memory : {int64_t{1} << 30, int64_t{0}}) {
    SpillStore store(memory, folder_.path());
    const auto spill = put(store);
    ASSERT_NE(spill, nullptr);
    EXPECT_EQ(spill->length(), 70);
    EXPECT_GT(store.bytes(), 0);
    runtime::Sequence back(model_->decoder());
    const Status status = store.restore(*spill, back);
    ASSERT_TRUE(status.ok()) << status.error().message;
    EXPECT_EQ(back.tokens(), sequence_->tokens());
    EXPECT_FALSE(std::ranges::equal(back.pages(), sequence_->pages()));
    auto own = sequence_->fork();
    ASSERT_TRUE(own.ok());
    EXPECT_EQ(logits_after(back, 9), logits_after(*own, 9));
  }
}

TEST_F(Spills, GiveTheirRoomBack) {
  SpillStore store(int64_t{1} << 30, "");
  put(store);
  EXPECT_EQ(store.bytes(), 0);
}

TEST_F(Spills, SayWhyThereIsNoRoom) {
  SpillStore nowhere(0, "");
  EXPECT_EQ(nowhere.put(*sequence_).error().code, Code::OutOfMemory);
  SpillStore absent(0, "/absent/folder");
  EXPECT_EQ(absent.put(*sequence_).error().code, Code::NotFound);
  SpillStore store(0, folder_.path());
  const test::SmallDisk full(4096);
  EXPECT_EQ(store.put(*sequence_).error().code, Code::Io);
  EXPECT_EQ(store.bytes(), 0);
}

TEST_F(Spills, StayWhenThePoolHasNoPages) {
  SpillStore store(int64_t{1} << 30, "");
  const auto spill = put(store);
  runtime::Sequence other(model_->decoder());
  ASSERT_TRUE(other.reserve(128).ok());
  runtime::Sequence back(model_->decoder());
  EXPECT_EQ(store.restore(*spill, back).error().code, Code::OutOfMemory);
  EXPECT_EQ(back.length(), 0);
  EXPECT_TRUE(back.pages().empty());
  other.truncate(0);
  other.release_pages_after(0);
  EXPECT_TRUE(store.restore(*spill, back).ok());
}

}  // namespace
}  // namespace verge::serve
