#include <algorithm>
#include <functional>

#include <fmt/ranges.h>

#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/layer_chain.hpp>
#include <verge/engine/model/split_facts.hpp>
#include <verge/engine/model/training_text.hpp>
#include <verge/engine/nn/exit_training.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/engine/text/sampler_stages.hpp>
#include <verge/stages/adapt/exits/exit_run.hpp>

namespace verge::adapt {
namespace {

constexpr int64_t kMostLogits = int64_t{1} << 25;  // kept of each head while it is measured
constexpr int64_t kFewestPositions = 256, kMostPositions = 4096;

Status check_layers(const nn::DecoderConfig& config, const std::string& path,
                    const std::vector<int64_t>& layers) {
  if (!config.exit_layers.empty()) {
    return make_error(Code::Conflict,
                      "{}: it has exit heads already, after {} layers; give the model that they "
                      "were made for",
                      path, fmt::join(config.exit_layers, ", "));
  }
  const bool is_in_order = std::ranges::adjacent_find(layers, std::greater_equal()) == layers.end();
  if (!layers.empty() && is_in_order && layers.front() >= 1 && layers.back() < config.layers) {
    return {};
  }
  return make_error(Code::InvalidArgument,
                    "exits after {} layers; give layers from 1 to {} in order, each once",
                    fmt::join(layers, ", "), config.layers - 1);
}

Status check_numbers(const AdaptExitsOptions& options) {
  if (options.batch < 1 || options.context < 2 || options.schedule.steps < 1) {
    return make_error(Code::InvalidArgument,
                      "{} steps of {} windows of {} tokens; give one or more, of two or more",
                      options.schedule.steps, options.batch, options.context);
  }
  if (!(options.distil >= 0) || (options.distil > 0 && options.mode == ExitMode::Joint)) {
    return make_error(Code::InvalidArgument,
                      "a weight of {} for the model's own predictions; it must be 0 or more, and "
                      "is for heads that learn alone",
                      options.distil);
  }
  if (!(options.held_out > 0 && options.held_out < 1)) {
    return make_error(Code::InvalidArgument, "a share of {} is held out; give one of 0 to 1",
                      options.held_out);
  }
  return {};
}

Status read_head(ExitRun& run) {
  const model::FileFacts facts(run.source);
  run.norm = facts.tensor_values("output_norm.weight");
  std::vector<float> matrix = facts.tensor_values("output.weight");
  if (matrix.empty()) matrix = facts.tensor_values("token_embd.weight");
  const int64_t wanted = run.config.vocab * run.config.d_model;
  if (std::ssize(run.norm) != run.config.d_model || std::ssize(matrix) != wanted) {
    return make_error(Code::Unsupported,
                      "{}: its last norm and output matrix cannot be read as {} and {} x {} values",
                      run.source.path, run.config.d_model, run.config.vocab, run.config.d_model);
  }
  run.output = Tensor(DType::F32, {run.config.vocab, run.config.d_model});
  std::ranges::copy(matrix, run.output.span<float>().begin());
  return {};
}

Result<std::string> note_of(const AdaptExitsOptions& options, const ExitRun& run,
                            const std::string& text) {
  VERGE_TRY(const std::string model, model::model_hash(run.source));
  return fmt::format(
      "exits {} {} untied {} distil {} weights {} batch {} context {} steps {} warm-up {} lr {} "
      "seed {} bf16 {} model {} text {}",
      options.mode == ExitMode::Tune ? "tune" : "joint", fmt::join(options.layers, ","),
      options.is_untied, options.distil, fmt::join(options.exit_weights, ","), options.batch,
      options.context, options.schedule.steps, options.schedule.warmup, options.schedule.peak,
      options.seed, options.bf16, model, text);
}

// Gathers what a head says at some positions.
class HeadMeasure {
 public:
  explicit HeadMeasure(int64_t vocab) : vocab_(vocab) {}

  // logits [rows, vocab]; `whole`: the model's own.
  void add(std::span<const float> logits, std::span<const float> whole) {
    const auto width = static_cast<size_t>(vocab_);
    for (size_t at = 0; at < logits.size(); at += width) {
      agreeing_ +=
          text::argmax(logits.subspan(at, width)) == text::argmax(whole.subspan(at, width));
    }
    logits_.insert(logits_.end(), logits.begin(), logits.end());
  }

  Result<ExitQuality> quality(int64_t after, std::span<const int32_t> targets) const {
    ExitQuality quality{.after = after};
    VERGE_TRY(quality.calibration, quality::fit_temperature(logits_, vocab_, targets));
    quality.loss = quality.calibration.nll_before;
    quality.agreement = static_cast<double>(agreeing_) / static_cast<double>(targets.size());
    return quality;
  }

 private:
  int64_t vocab_;
  std::vector<float> logits_;
  int64_t agreeing_ = 0;
};

// Logits of each exit for a window whose chain has run.
using HeadLogits = std::function<std::vector<std::vector<float>>(const model::ChainRows&)>;

Result<HeldOutQuality> measure(model::LanguageModel& model, std::span<const int64_t> exits,
                               const ExitRun& run, int64_t context, const HeadLogits& head_logits) {
  VERGE_TRY(model::LayerChain chain, model::LayerChain::create(model, exits));
  const int64_t vocab = run.config.vocab;
  const auto most = std::clamp(kMostLogits / vocab, kFewestPositions, kMostPositions);
  const auto length = static_cast<size_t>(context);
  std::vector<HeadMeasure> heads(exits.size() + 1, HeadMeasure(vocab));
  std::vector<int32_t> targets;
  const std::span<const int32_t> text = run.held_out;
  for (size_t from = 0; from + length < text.size() && std::ssize(targets) < most; from += length) {
    chain.begin();
    VERGE_TRY(const model::ChainRows rows, chain.run(text.subspan(from, length), context));
    const std::vector<float>& whole = rows.logits.back();
    const auto logits = head_logits(rows);
    for (size_t exit = 0; exit < exits.size(); ++exit) heads[exit].add(logits[exit], whole);
    heads.back().add(whole, whole);
    const auto next = text.subspan(from + 1, length);
    targets.insert(targets.end(), next.begin(), next.end());
  }
  HeldOutQuality quality{.positions = std::ssize(targets)};
  for (size_t exit = 0; exit < exits.size(); ++exit) {
    VERGE_TRY(quality.exits.emplace_back(), heads[exit].quality(exits[exit], targets));
  }
  VERGE_TRY(const ExitQuality own, heads.back().quality(run.config.layers, targets));
  quality.loss = own.loss;
  return quality;
}

}  // namespace

Result<ExitRun> prepare_run(const AdaptExitsOptions& options) {
  ExitRun run;
  VERGE_RETURN_IF_ERROR(check_numbers(options));
  VERGE_TRY(run.source, format::ModelSource::open(options.model));
  VERGE_TRY(run.config, nn::read_config(model::FileFacts(run.source)));
  VERGE_RETURN_IF_ERROR(check_layers(run.config, options.model, options.layers));
  run.config.exit_layers = options.layers;
  VERGE_RETURN_IF_ERROR(read_head(run));
  VERGE_TRY(text::Vocabulary vocabulary, model::read_vocabulary(run.source));
  VERGE_TRY(const auto tokenizer, text::make_tokenizer(std::move(vocabulary)));
  VERGE_TRY(const model::TrainingText text,
            model::read_training_text(options.data, options.held_out));
  run.training = tokenizer->encode(text.training());
  run.held_out = tokenizer->encode(text.held_out());
  VERGE_RETURN_IF_ERROR(
      model::check_training_text(run.training.size(), run.held_out.size(), options.context));
  VERGE_TRY(run.note, note_of(options, run, text.sha));
  return run;
}

Result<std::unique_ptr<model::LanguageModel>> load_for_windows(const std::string& path,
                                                               const AdaptExitsOptions& options,
                                                               ThreadPool& pool) {
  model::LoadOptions load;
  load.context = load.max_tokens = load.max_outputs = options.context;
  return model::LanguageModel::load(path, load, pool);
}

Result<HeldOutQuality> measure_heads(model::LanguageModel& model, std::span<const int64_t> exits,
                                     const ExitRun& run, int64_t context) {
  return measure(model, exits, run, context,
                 [](const model::ChainRows& rows) { return rows.logits; });
}

Result<HeldOutQuality> measure_without_heads(model::LanguageModel& model, const ExitRun& run,
                                             int64_t context, ThreadPool& pool) {
  VERGE_TRY(nn::LmTraining heads,
            nn::build_exit_training(run.config, {.rows = context, .has_logits = true}));
  VERGE_TRY(graph::Optimized optimized, graph::optimize(std::move(heads.graph), {}));
  runtime::WeightStore weights;
  runtime::StateStore states;
  weights.add("output.weight", run.output.view(), nullptr);
  for (const int64_t exit : run.config.exit_layers) {
    Tensor norm(DType::F32, {run.config.d_model});
    std::ranges::copy(run.norm, norm.span<float>().begin());
    weights.add(fmt::format("exit.{}.norm.weight", exit), std::move(norm));
  }
  VERGE_TRY(runtime::Plan plan,
            runtime::Plan::compile(std::move(optimized.graph), weights, states, pool));
  const auto head_logits = [&](const model::ChainRows& rows) {
    const std::vector<int64_t>& exits = run.config.exit_layers;
    for (size_t i = 0; i < exits.size(); ++i) {
      const TensorView& input = plan.input(fmt::format("states.{}", exits[i]));
      std::ranges::copy(rows.states[i], input.span<float>().begin());
    }
    plan.run(std::span<const int64_t>{});
    std::vector<std::vector<float>> logits;
    for (const int64_t exit : exits) {
      const auto values = plan.output(fmt::format("logits.{}", exit)).span<float>();
      logits.emplace_back(values.begin(), values.end());
    }
    return logits;
  };
  return measure(model, run.config.exit_layers, run, context, head_logits);
}

}  // namespace verge::adapt
