#include <algorithm>
#include <numeric>

#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/trainable_model.hpp>
#include <verge/engine/model/training_text.hpp>
#include <verge/engine/nn/lm_training.hpp>
#include <verge/stages/adapt/exits/exit_trainer.hpp>

namespace verge::adapt {
namespace {

// EE-LLM's weights for two exits.
std::vector<double> weights_of(const AdaptExitsOptions& options) {
  if (!options.exit_weights.empty()) return options.exit_weights;
  std::vector<double> weights;
  for (size_t i = 1; i <= options.layers.size(); ++i) {
    weights.push_back(0.1 * static_cast<double>(i));
  }
  return weights;
}

class JointTrainer : public ExitTrainer {
 public:
  JointTrainer(const AdaptExitsOptions& options, const ExitRun& run)
      : options_(options), run_(run) {}

  Status prepare(ThreadPool& pool) {
    nn::LmTrainingShape shape{.batch = options_.batch,
                              .tokens = options_.context,
                              .exit_weights = weights_of(options_),
                              .form = model::training_form(run_.source)};
    shape.form.has_exit_outputs = options_.is_untied;
    VERGE_RETURN_IF_ERROR(model::check_trainable(run_.source, run_.config, shape.form,
                                                 "let the heads learn alone (--mode tune)"));
    VERGE_TRY(nn::LmTraining model, nn::build_lm_training(run_.config, shape));
    const model::FileFacts facts(run_.source);
    const auto start = [&](const std::string& name, const TensorView& view) {
      if (name.starts_with("exit.") && start_head(name, view, run_)) return;
      std::ranges::copy(facts.tensor_values(name), view.span<float>().begin());
    };
    VERGE_TRY(trainer_, runtime::Trainer::create(
                            {std::move(model.graph), model.loss, std::move(model.trainable)}, start,
                            trainer_options(options_), pool));
    const auto positions = trainer_->input("positions").span<int32_t>();
    std::iota(positions.begin(), positions.end(), 0);
    return {};
  }

  runtime::Trainer& trainer() override { return *trainer_; }

  Status fill(int64_t pass) override {
    model::draw_batch(run_.training, options_.seed, pass, options_.context,
                      trainer_->input("tokens").span<int32_t>(),
                      trainer_->input("targets").span<int32_t>());
    return {};
  }

 private:
  const AdaptExitsOptions& options_;
  const ExitRun& run_;
  std::unique_ptr<runtime::Trainer> trainer_;
};

}  // namespace

Result<std::unique_ptr<ExitTrainer>> make_joint_trainer(const AdaptExitsOptions& options,
                                                        const ExitRun& run, ThreadPool& pool) {
  auto trainer = std::make_unique<JointTrainer>(options, run);
  VERGE_RETURN_IF_ERROR(trainer->prepare(pool));
  return std::unique_ptr<ExitTrainer>(std::move(trainer));
}

}  // namespace verge::adapt
