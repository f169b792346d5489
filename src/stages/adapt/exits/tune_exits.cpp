#include <algorithm>
#include <cmath>

#include <verge/engine/model/layer_chain.hpp>
#include <verge/engine/model/training_text.hpp>
#include <verge/engine/nn/exit_training.hpp>
#include <verge/stages/adapt/exits/exit_trainer.hpp>

namespace verge::adapt {
namespace {

void softmax(std::span<const float> logits, std::span<float> probabilities) {
  const float largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  std::ranges::transform(logits, probabilities.begin(), [&](float logit) {
    return static_cast<float>(std::exp(logit - largest) / sum);
  });
}

class TuneTrainer : public ExitTrainer {
 public:
  TuneTrainer(const AdaptExitsOptions& options, const ExitRun& run, model::LayerChain chain)
      : options_(options), run_(run), chain_(std::move(chain)) {}

  Status prepare(ThreadPool& pool) {
    const nn::ExitTrainingShape shape{.rows = options_.batch * options_.context,
                                      .is_untied = options_.is_untied,
                                      .distil = options_.distil};
    VERGE_TRY(nn::LmTraining heads, nn::build_exit_training(run_.config, shape));
    const auto start = [&](const std::string& name, const TensorView& view) {
      (void)start_head(name, view, run_);
    };
    VERGE_TRY(trainer_, runtime::Trainer::create(
                            {std::move(heads.graph), heads.loss, std::move(heads.trainable)}, start,
                            trainer_options(options_), pool));
    tokens_.resize(static_cast<size_t>(shape.rows));
    return {};
  }

  runtime::Trainer& trainer() override { return *trainer_; }

  Status fill(int64_t pass) override {
    model::draw_batch(run_.training, options_.seed, pass, options_.context, tokens_,
                      trainer_->input("targets").span<int32_t>());
    const auto length = static_cast<size_t>(options_.context);
    for (size_t from = 0; from < tokens_.size(); from += length) {
      chain_.begin();
      const int64_t outputs = options_.distil > 0 ? options_.context : 0;
      VERGE_TRY(const model::ChainRows rows,
                chain_.run(std::span(tokens_).subspan(from, length), outputs));
      put(rows, from);
    }
    return {};
  }

 private:
  void put(const model::ChainRows& rows, size_t from) {
    const auto width = static_cast<size_t>(run_.config.d_model);
    for (size_t exit = 0; exit < options_.layers.size(); ++exit) {
      const auto states =
          trainer_->input(fmt::format("states.{}", options_.layers[exit])).span<float>();
      std::ranges::copy(rows.states[exit], states.subspan(from * width).begin());
    }
    if (options_.distil == 0) return;
    const auto vocab = static_cast<size_t>(run_.config.vocab);
    const auto teacher = trainer_->input("teacher").span<float>().subspan(from * vocab);
    const std::span<const float> logits = rows.logits.back();
    for (size_t at = 0; at < logits.size(); at += vocab) {
      softmax(logits.subspan(at, vocab), teacher.subspan(at, vocab));
    }
  }

  const AdaptExitsOptions& options_;
  const ExitRun& run_;
  model::LayerChain chain_;
  std::unique_ptr<runtime::Trainer> trainer_;
  std::vector<int32_t> tokens_;  // [batch, context]
};

}  // namespace

Result<std::unique_ptr<ExitTrainer>> make_tune_trainer(const AdaptExitsOptions& options,
                                                       const ExitRun& run,
                                                       model::LanguageModel& model,
                                                       ThreadPool& pool) {
  VERGE_TRY(model::LayerChain chain,
            model::LayerChain::create(model, options.layers, options.distil > 0));
  auto trainer = std::make_unique<TuneTrainer>(options, run, std::move(chain));
  VERGE_RETURN_IF_ERROR(trainer->prepare(pool));
  return std::unique_ptr<ExitTrainer>(std::move(trainer));
}

bool start_head(const std::string& name, const TensorView& view, const ExitRun& run) {
  const bool is_exit = name.starts_with("exit.");
  if (is_exit && name.ends_with(".norm.weight")) {
    std::ranges::copy(run.norm, view.span<float>().begin());
  } else if (name == "output.weight" || is_exit) {
    std::ranges::copy(run.output.span<float>(), view.span<float>().begin());
  } else {
    return false;
  }
  return true;
}

runtime::TrainerOptions trainer_options(const AdaptExitsOptions& options) {
  runtime::TrainerOptions trainer;
  trainer.optimizer = options.optimizer;
  trainer.schedule = options.schedule;
  trainer.bf16 = options.bf16;
  return trainer;
}

}  // namespace verge::adapt
