#include <verge/engine/runtime/session.hpp>

#include "tiny_models.hpp"

namespace verge::runtime {
namespace {

// A model of 128 tokens of context in four pages of 32; chunks of up to 16.
class SessionTest : public testing::Test {
 protected:
  void SetUp() override {
    model::LoadOptions options;
    options.context = 128;
    options.max_tokens = 16;
    path_ = test::write_model(folder_, test::tiny_spec("tiny-llama"));
    model_ = test::load_model(path_, pool_, options);
    ASSERT_NE(model_, nullptr);
    tokens_ = test::random_tokens(129, 512);
  }

  std::span<const int32_t> tokens(size_t first, size_t count) const {
    return std::span(tokens_).subspan(first, count);
  }
  // The logits of a session of exactly these tokens.
  std::vector<float> fresh(std::vector<int32_t> all) {
    Session session = model_->session();
    EXPECT_TRUE(session.append(all).ok());
    return logits(session);
  }
  static std::vector<float> logits(const Session& session) {
    return {session.logits().begin(), session.logits().end()};
  }
  std::vector<int32_t> joined(std::span<const int32_t> a, std::span<const int32_t> b) const {
    std::vector<int32_t> all(a.begin(), a.end());
    all.insert(all.end(), b.begin(), b.end());
    return all;
  }
  static void expect_near(const std::vector<float>& got, const std::vector<float>& expected) {
    EXPECT_LE(test::relative_error(got, expected), 1e-5);
  }
  int32_t free_pages() const { return model_->decoder().pool.free_pages(); }

  test::TemporaryFolder folder_;
  ThreadPool pool_{2};
  std::string path_;
  std::unique_ptr<model::LanguageModel> model_;
  std::vector<int32_t> tokens_;
};

TEST_F(SessionTest, ChunksEqualOneAppend) {
  const std::vector<float> expected = fresh(joined(tokens(0, 50), {}));
  for (const size_t chunk : {1, 7, 33}) {
    Session session = model_->session();
    for (size_t at = 0; at < 50; at += chunk) {
      ASSERT_TRUE(session.append(tokens(at, std::min(chunk, 50 - at))).ok());
    }
    expect_near(logits(session), expected);
    EXPECT_EQ(session.length(), 50);
  }
}

TEST_F(SessionTest, ForksThatDivergeEqualSeparateRuns) {
  for (const size_t shared : {20, 32, 40}) {
    Session a = model_->session();
    ASSERT_TRUE(a.append(tokens(0, shared)).ok());
    auto b = a.fork();
    ASSERT_TRUE(b.ok());
    ASSERT_TRUE(a.append(tokens(50, 9)).ok());
    ASSERT_TRUE(b->append(tokens(70, 9)).ok());
    ASSERT_TRUE(a.append(tokens(60, 1)).ok());
    const std::vector<float> from_a = logits(a);
    ASSERT_TRUE(b->append(tokens(80, 1)).ok());
    const std::vector<float> from_b = logits(*b);
    a.truncate(0), b->truncate(0);
    expect_near(from_a, fresh(joined(joined(tokens(0, shared), tokens(50, 9)), tokens(60, 1))));
    expect_near(from_b, fresh(joined(joined(tokens(0, shared), tokens(70, 9)), tokens(80, 1))));
  }
}

TEST_F(SessionTest, TruncatingAForkLeavesTheOtherAlone) {
  Session a = model_->session();
  ASSERT_TRUE(a.append(tokens(0, 64)).ok());
  auto b = a.fork();
  ASSERT_TRUE(b.ok());
  b->truncate(40);  // inside a page that both share
  ASSERT_TRUE(b->append(tokens(90, 20)).ok());
  ASSERT_TRUE(a.append(tokens(64, 1)).ok());
  const std::vector<float> from_a = logits(a);
  a.truncate(0);
  ASSERT_TRUE(b->append(tokens(64, 1)).ok());
  const std::vector<float> from_b = logits(*b);
  b->truncate(0);
  expect_near(from_a, fresh(joined(tokens(0, 65), {})));
  expect_near(from_b, fresh(joined(joined(tokens(0, 40), tokens(90, 20)), tokens(64, 1))));
}

TEST_F(SessionTest, TruncatedSessionsGoOnAsFreshOnes) {
  Session session = model_->session();
  ASSERT_TRUE(session.append(tokens(0, 70)).ok());
  session.truncate(33);
  EXPECT_TRUE(session.logits().empty());
  EXPECT_EQ(free_pages(), 2);
  ASSERT_TRUE(session.append(tokens(100, 10)).ok());
  const std::vector<float> got = logits(session);
  session.truncate(0);
  EXPECT_EQ(free_pages(), 4);
  expect_near(got, fresh(joined(tokens(0, 33), tokens(100, 10))));
}

TEST_F(SessionTest, OverflowLeavesTheSessionUsable) {
  Session session = model_->session();
  ASSERT_TRUE(session.append(tokens(0, 60)).ok());
  const Status status = session.append(tokens(60, 69));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::InvalidArgument);
  EXPECT_NE(status.error().message.find("129 tokens"), std::string::npos);
  EXPECT_EQ(session.length(), 60);
  ASSERT_TRUE(session.append(tokens(60, 68)).ok());
  EXPECT_EQ(session.length(), 128);
}

TEST_F(SessionTest, RunsOutOfPagesWithoutChange) {
  Session a = model_->session(), b = model_->session();
  ASSERT_TRUE(a.append(tokens(0, 90)).ok());
  const Status status = b.append(tokens(0, 40));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::OutOfMemory);
  EXPECT_EQ(b.length(), 0);
  EXPECT_EQ(free_pages(), 1);
}

TEST_F(SessionTest, RefusesATokenWithoutARow) {
  Session session = model_->session();
  const auto vocab = static_cast<int32_t>(model_->decoder().vocab);
  for (const int32_t token : {-1, vocab, vocab + 1000}) {
    const Status status = session.append(std::span(&token, 1));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::InvalidArgument);
  }
  EXPECT_EQ(session.length(), 0);
}

TEST_F(SessionTest, CancelledAppendsChangeNothing) {
  Session session = model_->session();
  ASSERT_TRUE(session.append(tokens(0, 20)).ok());
  std::atomic<bool> cancel = true;
  const Status status = session.append(tokens(20, 40), &cancel);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::Cancelled);
  EXPECT_TRUE(session.logits().empty());
  EXPECT_EQ(session.length(), 20);
  EXPECT_EQ(free_pages(), 3);
  // After the first of three chunks.
  cancel = false;
  const auto stop = [&](int64_t, std::span<const float>) { cancel = true; };
  EXPECT_FALSE(session.append(tokens(20, 40), stop, &cancel).ok());
  EXPECT_EQ(session.length(), 20);
  ASSERT_TRUE(session.append(tokens(20, 5)).ok());
  const std::vector<float> got = logits(session);
  session.truncate(0);
  expect_near(got, fresh(joined(tokens(0, 25), {})));
}

TEST_F(SessionTest, ResultsRepeatBitByBit) {
  EXPECT_EQ(fresh(joined(tokens(0, 60), {})), fresh(joined(tokens(0, 60), {})));
}

}  // namespace
}  // namespace verge::runtime
