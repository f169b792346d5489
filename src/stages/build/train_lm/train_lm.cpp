#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include <fmt/ranges.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/model/training_text.hpp>
#include <verge/engine/nn/lm_training.hpp>
#include <verge/stages/build/train_lm/export.hpp>
#include <verge/stages/build/train_lm/train_lm.hpp>

namespace verge::build {
namespace {

constexpr int64_t kEvaluationBatches = 20;

Result<nn::DecoderConfig> config_of(const LmShape& shape, int64_t vocab) {
  if (shape.heads < 1 || shape.d_model % shape.heads != 0 || shape.d_model / shape.heads % 2 != 0 ||
      shape.kv_heads < 1 || shape.heads % shape.kv_heads != 0) {
    return make_error(
        Code::InvalidArgument,
        "a width of {} in {} heads over {} key-value heads does not fit; the width must be an even "
        "multiple of the heads, the heads a multiple of the key-value heads",
        shape.d_model, shape.heads, shape.kv_heads);
  }
  for (int64_t layer : shape.exit_layers) {
    if (layer < 1 || layer >= shape.layers) {
      return make_error(Code::InvalidArgument, "--exits {}: give layers from 1 to {}", layer,
                        shape.layers - 1);
    }
  }
  nn::DecoderConfig config;
  config.architecture = "llama";
  config.d_model = shape.d_model;
  config.layers = shape.layers;
  config.heads = shape.heads;
  config.kv_heads = shape.kv_heads;
  config.head_dim = config.rope.dims = shape.d_model / shape.heads;
  config.ffn_dim = shape.ffn_dim;
  config.context = shape.context;
  config.vocab = vocab;
  config.attention_scale = 1 / std::sqrt(static_cast<double>(config.head_dim));
  config.exit_layers = shape.exit_layers;
  return config;
}

double median_step_ms(const std::vector<TrainingProgress>& history) {
  constexpr size_t kWarmUp = 2;
  std::vector<double> times;
  for (size_t i = history.size() > kWarmUp ? kWarmUp : 0; i < history.size(); ++i) {
    times.push_back(history[i].step_ms);
  }
  if (times.empty()) return 0;
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2));
  return times[times.size() / 2];
}

class Run {
 public:
  Run(const TrainLmOptions& options, ThreadPool& pool, const Clock& clock)
      : options_(options), pool_(pool), clock_(clock) {}

  Status prepare() {
    VERGE_TRY(corpus_, make_corpus(options_.corpus, options_.shape.context));
    VERGE_TRY(config_, config_of(options_.shape, corpus_.tokenizer->size()));
    const nn::LmTrainingShape shape{.batch = options_.batch,
                                    .tokens = options_.shape.context,
                                    .exit_weights = options_.shape.exit_weights};
    VERGE_TRY(nn::LmTraining training, nn::build_lm_training(config_, shape));
    VERGE_TRY(trainer_, make_trainer(std::move(training)));
    // One sequence at a time, so that evaluation needs little memory beside training.
    VERGE_TRY(nn::LmTraining single,
              nn::build_lm_training(config_, {.batch = 1, .tokens = options_.shape.context}));
    VERGE_TRY(graph::Optimized evaluation,
              graph::optimize(std::move(single.graph), {.bf16 = options_.bf16}));
    VERGE_TRY(runtime::Plan plan,
              runtime::Plan::compile(std::move(evaluation.graph), trainer_->weights(),
                                     trainer_->states(), pool_));
    evaluation_ = std::make_unique<runtime::Plan>(std::move(plan));
    for (runtime::Plan* used : {&trainer_->plan(), evaluation_.get()}) {
      std::iota(used->input("positions").as<int32_t>(),
                used->input("positions").as<int32_t>() + options_.shape.context, 0);
    }
    loop_ = std::make_unique<runtime::TrainingLoop>(
        *trainer_,
        runtime::LoopOptions{.checkpoint = options_.checkpoint,
                             .checkpoint_every = options_.checkpoint_every,
                             .note = note()},
        clock_);
    return loop_->load();
  }

  Status train(TrainLmResult& result,
               const std::function<void(const TrainingProgress&)>& on_progress,
               const std::atomic<bool>* cancel) {
    const auto tokens =
        static_cast<double>(options_.batch * options_.accumulate * options_.shape.context);
    if (options_.profile) trainer_->start_profile();
    const auto report = [&](const runtime::LoopProgress& now) -> Status {
      TrainingProgress progress{now, 0, tokens * now.steps_per_s};
      if (!result.history.empty()) progress.held_out_loss = result.history.back().held_out_loss;
      if (now.step % options_.evaluate_every == 0) progress.held_out_loss = held_out_loss();
      result.history.push_back(progress);
      if (on_progress) on_progress(progress);
      return {};
    };
    const auto draw = [this](int64_t pass) {
      model::draw_batch(corpus_.training, options_.seed, pass, options_.shape.context,
                        trainer_->input("tokens").span<int32_t>(),
                        trainer_->input("targets").span<int32_t>());
    };
    VERGE_TRY(result.finished, loop_->run({.fill = draw, .after_step = report}, cancel));
    if (result.history.empty()) return {};
    result.seconds = result.history.back().elapsed_s;
    result.tokens_per_s = result.history.back().tokens_per_s;
    return {};
  }

  void measure(TrainLmResult& result) {
    result.parameters = trainer_->parameter_count();
    result.steps = trainer_->steps();
    result.arena_bytes = trainer_->plan().memory().arena_bytes;
    result.reference_nodes = trainer_->plan().reference_nodes();
    result.clip_price_bytes = trainer_->clip_price_bytes();
    result.step_ms = median_step_ms(result.history);
    if (options_.profile) result.profile = runtime::by_operator(trainer_->profile());
    result.held_out_loss = held_out_loss();
    const double tokens_per_byte =
        static_cast<double>(corpus_.held_out.size()) / static_cast<double>(corpus_.held_out_bytes);
    result.bits_per_byte = result.held_out_loss * tokens_per_byte / std::numbers::ln2;
  }

  Status write(const TrainLmResult& result) {
    if (options_.output.empty()) return {};
    const LmExport model{config_,
                         corpus_.tokenizer->vocabulary(),
                         trainer_->parameters(),
                         options_.type,
                         {{"command", options_.command},
                          {"text_xxh3", corpus_.sha},
                          {"seed", fmt::format("{}", options_.seed)},
                          {"steps", fmt::format("{}", result.steps)},
                          {"held_out_loss", fmt::format("{:.4f}", result.held_out_loss)}}};
    return export_lm(model, options_.output, pool_);
  }

 private:
  Result<std::unique_ptr<runtime::Trainer>> make_trainer(nn::LmTraining training) {
    runtime::TrainerOptions trainer;
    trainer.optimizer = options_.optimizer;
    trainer.accumulate = options_.accumulate;
    trainer.schedule = options_.schedule;
    trainer.bf16 = options_.bf16;
    return runtime::Trainer::create(
        {std::move(training.graph), training.loss, std::move(training.trainable)},
        [this](const std::string& name, const TensorView& view) { initialize(name, view); },
        trainer, pool_);
  }

  void initialize(const std::string& name, const TensorView& view) {
    const auto all = nn::lm_parameters(config_);
    const auto at = std::ranges::find(all, name, &nn::LmParameter::name);
    Rng rng(options_.seed, static_cast<uint64_t>(at - all.begin()) << 32);
    for (float& value : view.span<float>()) {
      value = at->stddev == 0 ? 1.0f : static_cast<float>(at->stddev) * rng.normal();
    }
  }

  double held_out_loss() {
    const auto length = static_cast<size_t>(options_.shape.context);
    std::vector<int32_t> tokens(length * static_cast<size_t>(options_.batch));
    std::vector<int32_t> targets(tokens.size());
    double sum = 0;
    for (int64_t batch = 0; batch < kEvaluationBatches; ++batch) {
      model::draw_batch(corpus_.held_out, 0, batch, options_.shape.context, tokens, targets);
      for (size_t row = 0; row < tokens.size(); row += length) {
        std::copy_n(tokens.data() + row, length, evaluation_->input("tokens").as<int32_t>());
        std::copy_n(targets.data() + row, length, evaluation_->input("targets").as<int32_t>());
        evaluation_->run(std::span<const int64_t>{});
        sum += *evaluation_->output("loss").as<float>();
      }
    }
    return sum / static_cast<double>(kEvaluationBatches * options_.batch);
  }

  std::string weights_note() const {
    const std::vector<double>& weights = options_.shape.exit_weights;
    return weights.empty() ? "" : fmt::format(" exit weights {}", fmt::join(weights, ","));
  }

  // What a checkpoint depends on: continuing with anything else would not be the same run.
  std::string note() const {
    const LmShape& s = options_.shape;
    return fmt::format(
               "lm {} {} {} {} {} {} {} batch {} steps {} warm-up {} lr {} seed {} bf16 {} text "
               "{}",
               s.d_model, s.layers, s.heads, s.kv_heads, s.ffn_dim, s.context, config_.vocab,
               options_.batch, options_.schedule.steps, options_.schedule.warmup,
               options_.schedule.peak, options_.seed, options_.bf16, corpus_.sha) +
           weights_note();
  }

  const TrainLmOptions& options_;
  ThreadPool& pool_;
  const Clock& clock_;
  Corpus corpus_;
  nn::DecoderConfig config_;
  std::unique_ptr<runtime::Trainer> trainer_;
  std::unique_ptr<runtime::TrainingLoop> loop_;
  std::unique_ptr<runtime::Plan> evaluation_;
};

}  // namespace

Result<TrainLmResult> train_lm(const TrainLmOptions& options, ThreadPool& pool, const Clock& clock,
                               const std::function<void(const TrainingProgress&)>& on_progress,
                               const std::atomic<bool>* cancel) {
  Run run(options, pool, clock);
  VERGE_RETURN_IF_ERROR(run.prepare());
  TrainLmResult result;
  VERGE_RETURN_IF_ERROR(run.train(result, on_progress, cancel));
  run.measure(result);
  if (result.finished) VERGE_RETURN_IF_ERROR(run.write(result));
  return result;
}

}  // namespace verge::build
