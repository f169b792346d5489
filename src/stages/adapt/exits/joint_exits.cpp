#include <algorithm>
#include <numeric>

#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/training_text.hpp>
#include <verge/engine/nn/lm_training.hpp>
#include <verge/stages/adapt/exits/exit_trainer.hpp>

namespace verge::adapt {
namespace {

nn::LmForm form_of(const AdaptExitsOptions& options, const format::ModelSource& source) {
  return {.has_output = source.find("output.weight") != nullptr,
          .has_exit_outputs = options.is_untied,
          .has_qkv_bias = source.find("blk.0.attn_q.bias") != nullptr,
          .has_qk_norms = source.find("blk.0.attn_q_norm.weight") != nullptr};
}

// EE-LLM's weights for two exits.
std::vector<double> weights_of(const AdaptExitsOptions& options) {
  if (!options.exit_weights.empty()) return options.exit_weights;
  std::vector<double> weights;
  for (size_t i = 1; i <= options.layers.size(); ++i) {
    weights.push_back(0.1 * static_cast<double>(i));
  }
  return weights;
}

Error unknown_blocks(const format::ModelSource& source, std::string_view what) {
  return make_error(Code::Unsupported,
                    "{}: {}; all weights learn together in dense Llama and Qwen blocks of a GGUF "
                    "file alone; let the heads learn alone (--mode tune)",
                    source.path, what);
}

Status check_blocks(const ExitRun& run, const std::vector<nn::LmParameter>& parameters) {
  const nn::DecoderConfig& config = run.config;
  if (config.window > 0 || config.post_norms || config.final_softcap > 0 ||
      config.attention_softcap > 0 || config.embedding_scale != 1 || config.moe.experts > 0 ||
      config.activation != nn::Activation::Silu) {
    return unknown_blocks(run.source, fmt::format("a model of type {}", config.architecture));
  }
  for (const format::StoredTensor& tensor : run.source.tensors()) {
    if (tensor.name == "rope_freqs.weight") continue;
    const auto at = std::ranges::find(parameters, tensor.name, &nn::LmParameter::name);
    if (at == parameters.end() || at->shape != tensor.shape || tensor.interleave_heads > 0 ||
        !tensor.dtype) {
      return unknown_blocks(run.source, fmt::format("tensor {} of {} {}", tensor.name,
                                                    tensor.type_name, tensor.shape.str()));
    }
  }
  for (const nn::LmParameter& parameter : parameters) {
    if (parameter.name.starts_with("exit.") || run.source.find(parameter.name) != nullptr) continue;
    return unknown_blocks(run.source, fmt::format("it lacks tensor {}", parameter.name));
  }
  return {};
}

class JointTrainer : public ExitTrainer {
 public:
  JointTrainer(const AdaptExitsOptions& options, const ExitRun& run)
      : options_(options), run_(run) {}

  Status prepare(ThreadPool& pool) {
    const nn::LmTrainingShape shape{.batch = options_.batch,
                                    .tokens = options_.context,
                                    .exit_weights = weights_of(options_),
                                    .form = form_of(options_, run_.source)};
    VERGE_RETURN_IF_ERROR(check_blocks(run_, nn::lm_parameters(run_.config, shape.form)));
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
