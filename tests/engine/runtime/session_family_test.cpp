// What a session promises, for every family and type of cache: however its tokens came to be there,
// the answer is that of a session that was given them at once. With f32 weights: others have
// activations rounded, where the order of a sum decides on which side of a step a value falls.

#include <verge/engine/runtime/session.hpp>

#include "tiny_models.hpp"

namespace verge::runtime {
namespace {

struct Cache {
  DType type;
  double tolerance;  // chunks of other sizes sum in another order, which a rounded cache amplifies
};
constexpr Cache kCaches[] = {
    {DType::F32, 1e-5}, {DType::F16, 3e-3}, {DType::BF16, 2e-2}, {DType::Q8_0, 3e-2}};

class SessionFamily : public testing::TestWithParam<const char*> {
 protected:
  // `check(tolerance)` for a model of this family with each type of cache.
  template <typename Check>
  void for_every_cache(Check check) {
    for (const Cache& cache : kCaches) {
      SCOPED_TRACE(name(cache.type));
      model::LoadOptions options;
      options.context = 128;
      options.max_tokens = 24;
      options.kv_dtype = cache.type;
      model_ = test::load_model(path_, pool_, options);
      ASSERT_NE(model_, nullptr);
      tolerance_ = cache.tolerance;
      check();
    }
  }

  std::span<const int32_t> tokens(size_t first, size_t count) const {
    return std::span(tokens_).subspan(first, count);
  }
  static void append(Session& session, std::span<const int32_t> more) {
    const Status status = session.append(more);
    ASSERT_TRUE(status) << status.error().message;
  }
  static std::vector<float> logits(const Session& session) {
    return {session.logits().begin(), session.logits().end()};
  }
  // What a session has come to; logits are valid only until another session runs.
  struct Answer {
    std::vector<int32_t> tokens;
    std::vector<float> logits;
  };
  static Answer answer_of(const Session& session) { return {session.tokens(), logits(session)}; }
  void expect_as_fresh(const Answer& answer) {
    Session fresh = model_->session();
    append(fresh, answer.tokens);
    EXPECT_LE(test::relative_error(answer.logits, fresh.logits()), tolerance_);
  }

  test::TemporaryFolder folder_;
  const build::RandomModelSpec spec_ = test::wide_spec(GetParam());
  const std::string path_ = test::write_model(folder_, spec_);
  ThreadPool pool_{1};
  std::unique_ptr<model::LanguageModel> model_;
  std::vector<int32_t> tokens_ = test::random_tokens(100, static_cast<int>(spec_.vocab));
  double tolerance_ = 0;
};

TEST_P(SessionFamily, PiecesForksAndTruncationsEqualFreshSessions) {
  for_every_cache([&] {
    Session pieces = model_->session();
    for (const size_t at : {0, 1, 2, 30})
      append(pieces, tokens(at, at == 2 ? 28 : at == 30 ? 7 : 1));
    auto fork = pieces.fork();
    ASSERT_TRUE(fork) << fork.error().message;
    EXPECT_EQ(logits(*fork), logits(pieces));
    fork->truncate(33);
    append(*fork, tokens(70, 3));
    const Answer of_fork = answer_of(*fork);
    append(pieces, tokens(37, 2));
    const Answer of_pieces = answer_of(pieces);
    fork->truncate(0), pieces.truncate(0);
    expect_as_fresh(of_fork);
    expect_as_fresh(of_pieces);
    EXPECT_EQ(model_->decoder().pool.free_pages(), model_->decoder().pool.pages());
  });
}

TEST_P(SessionFamily, SavedAndRestoredGoesOnAsBefore) {
  for_every_cache([&] {
    Session session = model_->session();
    append(session, tokens(0, 45));
    ASSERT_TRUE(session.save(folder_ / "session"));
    auto restored = Session::restore(model_->decoder(), folder_ / "session");
    ASSERT_TRUE(restored) << restored.error().message;
    EXPECT_EQ(restored->tokens(), session.tokens());
    append(session, tokens(45, 5));
    const std::vector<float> wanted = logits(session);
    session.truncate(0);
    append(*restored, tokens(45, 5));
    EXPECT_LE(test::relative_error(restored->logits(), wanted), tolerance_);
  });
}

INSTANTIATE_TEST_SUITE_P(Families, SessionFamily,
                         testing::Values("tiny-llama", "tiny-mistral", "tiny-mixtral", "tiny-qwen2",
                                         "tiny-qwen3", "tiny-qwen3moe", "tiny-gemma", "tiny-gemma2",
                                         "tiny-gemma3", "tiny-phi3"),
                         [](const auto& info) {
                           std::string title = info.param;
                           std::ranges::replace(title, '-', '_');
                           return title;
                         });

}  // namespace
}  // namespace verge::runtime
