#include <verge/engine/graph/builder.hpp>
#include <verge/engine/nn/exit_training.hpp>

namespace verge::nn {
namespace {

using graph::kNone;
using graph::ValueId;

class ExitHeads {
 public:
  ExitHeads(const DecoderConfig& config, const ExitTrainingShape& shape)
      : config_(config), shape_(shape), b_("exit heads") {}

  Result<LmTraining> build() {
    if (!shape_.has_logits) {
      targets_ = b_.input("targets", {DType::I32, {shape_.rows}});
      if (shape_.distil > 0) {
        teacher_ = b_.input("teacher", {DType::F32, {shape_.rows, config_.vocab}});
      }
    }
    if (!shape_.is_untied)
      output_ = b_.param("output.weight", {DType::F32, {config_.vocab, config_.d_model}});
    for (const int64_t exit : config_.exit_layers) add_head(exit);
    if (total_ != kNone) b_.output(total_, "loss");
    VERGE_TRY(graph::Graph graph, b_.finish());
    return LmTraining{std::move(graph), total_, std::move(trainable_)};
  }

 private:
  ValueId parameter(const std::string& name, graph::Dims dims) {
    trainable_.push_back(b_.param(name, {DType::F32, std::move(dims)}));
    b_.graph().value(trainable_.back()).is_trainable = true;
    return trainable_.back();
  }

  void add_head(int64_t exit) {
    b_.source(fmt::format("exit.{}", exit));
    const ValueId states =
        b_.input(fmt::format("states.{}", exit), {DType::F32, {shape_.rows, config_.d_model}});
    const ValueId norm = parameter(fmt::format("exit.{}.norm.weight", exit), {config_.d_model});
    const ValueId matrix = shape_.is_untied
                               ? parameter(exit_output_name(exit), {config_.vocab, config_.d_model})
                               : output_;
    ValueId logits =
        b_.op("linear", {b_.op("rms_norm", {states, norm}, {{"eps", config_.norm_eps}}), matrix});
    if (config_.final_softcap > 0) {
      logits = b_.op("softcap", {logits}, {{"cap", config_.final_softcap}});
    }
    if (shape_.has_logits) {
      b_.output(logits, fmt::format("logits.{}", exit));
    } else {
      add_loss(exit, logits);
    }
  }

  void add_loss(int64_t exit, ValueId logits) {
    const ValueId loss = b_.op("softmax_cross_entropy", {logits, targets_});
    b_.output(loss, fmt::format("loss.{}", exit));
    add(loss);
    if (teacher_ == kNone) return;
    // -sum over tokens of p log q, mean over rows: the divergence but for the teacher's entropy.
    const ValueId products = b_.op("mul", {b_.op("log_softmax", {logits}), teacher_});
    const auto factor = -shape_.distil * static_cast<double>(config_.vocab);
    add(b_.op("scale", {b_.op("reduce_mean", {products}, {{"axes", std::vector<int64_t>{0, 1}}})},
              {{"factor", factor}}));
  }

  void add(ValueId loss) { total_ = total_ == kNone ? loss : b_.op("add", {total_, loss}); }

  const DecoderConfig& config_;
  const ExitTrainingShape& shape_;
  graph::Builder b_;
  std::vector<ValueId> trainable_;
  ValueId targets_ = kNone, teacher_ = kNone, output_ = kNone, total_ = kNone;
};

}  // namespace

Result<LmTraining> build_exit_training(const DecoderConfig& config,
                                       const ExitTrainingShape& shape) {
  return ExitHeads(config, shape).build();
}

}  // namespace verge::nn
