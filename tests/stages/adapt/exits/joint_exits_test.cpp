#include <cmath>

#include <verge/engine/model/training_text.hpp>
#include <verge/stages/adapt/exits/exit_trainer.hpp>

#include "exit_harness.hpp"

namespace verge::adapt {
namespace {

using namespace test_exits;

struct RandomModel {
  AdaptExitsOptions options;
  Result<ExitRun> run;
};

RandomModel random_model(const test::TemporaryFolder& folder, std::string_view shape) {
  AdaptExitsOptions options;
  options.model = test::write_model(folder, test::wide_spec(shape));
  options.layers = {1};
  options.data = {test::source_file("LICENSE")};
  options.batch = 2;
  options.context = 16;
  options.schedule.steps = 1;
  auto run = prepare_run(options);
  EXPECT_TRUE(run.ok()) << run.error().message;
  return {options, std::move(run)};
}

// -log of the chance that inference gives the target after each window's tokens, mean.
double inference_loss(const std::string& path, std::span<const int32_t> tokens,
                      std::span<const int32_t> targets, size_t context) {
  ThreadPool pool(2);
  const auto model = test::load_model(path, pool, test::all_logits_options());
  const auto vocab = static_cast<size_t>(model->config().vocab);
  double loss = 0;
  for (size_t from = 0; from < tokens.size(); from += context) {
    const auto logits = test::logits_of(*model, tokens.subspan(from, context), {context});
    for (size_t row = 0; row < context; ++row) {
      const auto of_row = std::span(logits).subspan(row * vocab, vocab);
      double sum = 0;
      for (const float logit : of_row) sum += std::exp(logit);
      loss += std::log(sum) - of_row[static_cast<size_t>(targets[from + row])];
    }
  }
  return loss / static_cast<double>(tokens.size());
}

// The training graph of given weights is the model that inference runs, with biases and norms of
// heads where it has them.
TEST(JointExits, TheFirstLossIsInferences) {
  for (const char* shape : {"tiny-llama", "tiny-qwen2", "tiny-qwen3"}) {
    SCOPED_TRACE(shape);
    const test::TemporaryFolder folder;
    ThreadPool pool(2);
    const RandomModel model = random_model(folder, shape);
    ASSERT_TRUE(model.run.ok());
    const auto trainer = make_joint_trainer(model.options, *model.run, pool);
    ASSERT_TRUE(trainer.ok()) << trainer.error().message;
    ASSERT_TRUE((*trainer)->fill(0));
    (*trainer)->trainer().step();
    std::vector<int32_t> tokens(32), targets(32);
    model::draw_batch(model.run->training, model.options.seed, 0, 16, tokens, targets);
    EXPECT_NEAR(*(*trainer)->trainer().output("loss").as<float>(),
                inference_loss(model.options.model, tokens, targets, 16), 2e-3);
  }
}

TEST(JointExits, OtherBlocksAreRefusedByName) {
  for (const char* shape : {"tiny-mixtral", "tiny-gemma2", "tiny-phi3"}) {
    SCOPED_TRACE(shape);
    const test::TemporaryFolder folder;
    ThreadPool pool(1);
    const RandomModel model = random_model(folder, shape);
    ASSERT_TRUE(model.run.ok());
    const auto trainer = make_joint_trainer(model.options, *model.run, pool);
    ASSERT_FALSE(trainer.ok());
    EXPECT_EQ(trainer.error().code, Code::Unsupported);
    EXPECT_NE(trainer.error().message.find("--mode tune"), std::string::npos);
  }
}

}  // namespace
}  // namespace verge::adapt
