#include <cmath>

#include <verge/engine/model/training_text.hpp>
#include <verge/stages/adapt/exits/exit_trainer.hpp>

#include "exit_harness.hpp"

namespace verge::adapt {
namespace {

using namespace test_exits;

// What the trainer is given for a pass, beside the model run over the same windows.
TEST(TuneExits, InputsAreWhatFlowsThroughTheModel) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  AdaptExitsOptions options = quick_options(folder);
  options.batch = 2;
  options.distil = 0.5;
  const auto run = prepare_run(options);
  ASSERT_TRUE(run.ok()) << run.error().message;
  const auto model = load_for_windows(options.model, options, pool);
  ASSERT_TRUE(model.ok());
  const auto trainer = make_tune_trainer(options, *run, **model, pool);
  ASSERT_TRUE(trainer.ok()) << trainer.error().message;
  ASSERT_TRUE((*trainer)->fill(5));
  std::vector<int32_t> tokens(64), targets(64);
  model::draw_batch(run->training, options.seed, 5, 32, tokens, targets);
  const auto given = (*trainer)->trainer().input("targets").span<int32_t>();
  EXPECT_TRUE(std::ranges::equal(given, targets));
  const auto whole = load_for_windows(options.model, options, pool);
  ASSERT_TRUE(whole.ok());
  runtime::Session session = (*whole)->session();
  const auto vocab = static_cast<size_t>(run->config.vocab);
  const auto teacher = (*trainer)->trainer().input("teacher").span<float>();
  for (size_t row : {size_t{0}, size_t{31}, size_t{63}}) {
    session.truncate(0);
    const size_t begin = row / 32 * 32;
    ASSERT_TRUE(session.append(std::span(tokens).subspan(begin, row - begin + 1)));
    const auto logits = session.logits();
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit);
    for (size_t i = 0; i < vocab; i += 97) {
      EXPECT_NEAR(teacher[row * vocab + i], std::exp(logits[i]) / sum, 2e-3);
    }
  }
}

TEST(TuneExits, HeadsStartAsTheLast) {
  const test::TemporaryFolder folder;
  const auto run = prepare_run(quick_options(folder));
  ASSERT_TRUE(run.ok());
  Tensor norm(DType::F32, {run->config.d_model}), matrix(DType::F32, run->output.shape());
  EXPECT_TRUE(start_head("exit.2.norm.weight", norm.view(), *run));
  EXPECT_TRUE(std::ranges::equal(norm.span<float>(), run->norm));
  EXPECT_TRUE(start_head("exit.2.output.weight", matrix.view(), *run));
  EXPECT_TRUE(std::ranges::equal(matrix.span<float>(), run->output.span<float>()));
  EXPECT_FALSE(start_head("blk.0.attn_norm.weight", norm.view(), *run));
}

}  // namespace
}  // namespace verge::adapt
