#include <algorithm>
#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/nn/lm_training.hpp>

namespace verge::nn {
namespace {

using graph::Dims;
using graph::kNone;
using graph::ValueId;

constexpr double kExitWeight = 0.3;

class LmBuilder {
 public:
  LmBuilder(const DecoderConfig& config, const LmTrainingShape& shape)
      : config_(config), shape_(shape), b_(config.architecture + " training") {}

  Result<LmTraining> build() {
    declare();
    b_.source("embedding");
    ValueId x = b_.op("embedding", {param("token_embd.weight"), tokens_});
    ValueId total = kNone;
    for (int64_t layer = 0; layer < config_.layers; ++layer) {
      x = block(fmt::format("blk.{}", layer), x);
      if (std::ranges::find(config_.exit_layers, layer + 1) != config_.exit_layers.end()) {
        total = add_exit(layer + 1, x, total);
      }
    }
    const ValueId loss = head(x, "output_norm.weight", output_matrix(), "loss");
    total = total == kNone ? loss : b_.op("add", {loss, total});
    VERGE_TRY(graph::Graph graph, b_.finish());
    return LmTraining{std::move(graph), total, std::move(trainable_)};
  }

 private:
  void declare() {
    const Dims rows = {shape_.batch, shape_.tokens};
    tokens_ = b_.input("tokens", {DType::I32, rows});
    targets_ = b_.input("targets", {DType::I32, rows});
    const ValueId positions = b_.input("positions", {DType::I32, {shape_.tokens}});
    for (const LmParameter& parameter : lm_parameters(config_, shape_.form)) {
      Dims dims(parameter.shape.extents().begin(), parameter.shape.extents().end());
      trainable_.push_back(b_.param(parameter.name, {DType::F32, dims}));
      b_.graph().value(trainable_.back()).is_trainable = true;
    }
    const std::vector<float> values = rope_frequencies(config_.rope, false);
    Tensor data(DType::F32, {static_cast<int64_t>(values.size())});
    std::ranges::copy(values, data.span<float>().begin());
    angles_ = b_.op("rope_angles", {positions, b_.constant("rope_frequencies", std::move(data))},
                    {{"magnitude", rope_magnitude(config_.rope, false)}});
  }

  ValueId param(const std::string& name) { return b_.graph().find(name); }
  ValueId linear(ValueId x, const std::string& name, ValueId residual = kNone) {
    return b_.op("linear", {x, param(name + ".weight"), param(name + ".bias"), residual});
  }
  std::string output_matrix() const {
    return shape_.form.has_output ? "output.weight" : "token_embd.weight";
  }
  ValueId norm(ValueId x, const std::string& weight) {
    return b_.op("rms_norm", {x, param(weight)}, {{"eps", config_.norm_eps}});
  }

  ValueId heads(ValueId x, int64_t count) {
    return b_.op("reshape", {x},
                 graph::dims_attrs({shape_.batch, shape_.tokens, count, config_.head_dim}));
  }

  // Heads as attention compares them: normalised where the model does that, and rotated.
  ValueId turned(ValueId x, const std::string& weight) {
    return rotate(param(weight) == kNone ? x : norm(x, weight));
  }

  ValueId rotate(ValueId x) {
    const bool half = config_.rope.pairs == RopePairs::Half;
    return b_.op("rope", {x, angles_}, {{"pairs", std::string(half ? "half" : "interleaved")}});
  }

  ValueId block(const std::string& name, ValueId x) {
    b_.source(name + ".attn");
    const ValueId normed = norm(x, name + ".attn_norm.weight");
    const ValueId q = turned(heads(linear(normed, name + ".attn_q"), config_.heads),
                             name + ".attn_q_norm.weight");
    const ValueId k = turned(heads(linear(normed, name + ".attn_k"), config_.kv_heads),
                             name + ".attn_k_norm.weight");
    const ValueId v = heads(linear(normed, name + ".attn_v"), config_.kv_heads);
    const ValueId mixed =
        b_.op("attention", {q, k, v}, {{"scale", config_.attention_scale}, {"causal", int64_t{1}}});
    const ValueId joined =
        b_.op("reshape", {mixed},
              graph::dims_attrs({shape_.batch, shape_.tokens, config_.heads * config_.head_dim}));
    x = linear(joined, name + ".attn_output", x);
    b_.source(name + ".ffn");
    const ValueId inner = norm(x, name + ".ffn_norm.weight");
    const ValueId gated =
        b_.op("swiglu", {linear(inner, name + ".ffn_gate"), linear(inner, name + ".ffn_up")});
    return linear(gated, name + ".ffn_down", x);
  }

  ValueId head(ValueId x, const std::string& norm_weight, const std::string& matrix,
               const std::string& name) {
    b_.source(name);
    const ValueId logits = b_.op("linear", {norm(x, norm_weight), param(matrix)});
    const ValueId loss = b_.op("softmax_cross_entropy", {logits, targets_});
    b_.output(loss, name);
    return loss;
  }

  ValueId add_exit(int64_t layer, ValueId x, ValueId total) {
    const std::string name = fmt::format("exit.{}.", layer);
    const std::string matrix =
        shape_.form.has_exit_outputs ? exit_output_name(layer) : output_matrix();
    const ValueId loss = head(x, name + "norm.weight", matrix, fmt::format("loss.{}", layer));
    const ValueId weighted = b_.op("scale", {loss}, {{"factor", exit_weight(layer)}});
    return total == kNone ? weighted : b_.op("add", {total, weighted});
  }

  double exit_weight(int64_t layer) const {
    if (shape_.exit_weights.empty()) return kExitWeight;
    const auto at = std::ranges::find(config_.exit_layers, layer);
    return shape_.exit_weights.at(static_cast<size_t>(at - config_.exit_layers.begin()));
  }

  const DecoderConfig& config_;
  const LmTrainingShape& shape_;
  graph::Builder b_;
  std::vector<ValueId> trainable_;
  ValueId tokens_ = kNone, targets_ = kNone, angles_ = kNone;
};

}  // namespace

Result<LmTraining> build_lm_training(const DecoderConfig& config, const LmTrainingShape& shape) {
  if (!shape.exit_weights.empty() && shape.exit_weights.size() != config.exit_layers.size()) {
    return make_error(Code::InvalidArgument, "{} weights for {} exits; give one for each",
                      shape.exit_weights.size(), config.exit_layers.size());
  }
  return LmBuilder(config, shape).build();
}

// Initial values as in GPT-2 and Llama: 0.02, smaller by sqrt(2 * layers) where a block writes to
// the residual.
std::vector<LmParameter> lm_parameters(const DecoderConfig& config, const LmForm& form) {
  const int64_t d = config.d_model, q = config.heads * config.head_dim;
  const int64_t kv = config.kv_heads * config.head_dim, ffn = config.ffn_dim;
  const double residual = 0.02 / std::sqrt(2.0 * static_cast<double>(config.layers));
  std::vector<LmParameter> all = {{"token_embd.weight", {config.vocab, d}, 0.02}};
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string name = fmt::format("blk.{}.", layer);
    all.push_back({name + "attn_norm.weight", {d}, 0});
    all.push_back({name + "attn_q.weight", {q, d}, 0.02});
    all.push_back({name + "attn_k.weight", {kv, d}, 0.02});
    all.push_back({name + "attn_v.weight", {kv, d}, 0.02});
    if (form.has_qkv_bias) {
      all.push_back({name + "attn_q.bias", {q}, 0});
      all.push_back({name + "attn_k.bias", {kv}, 0});
      all.push_back({name + "attn_v.bias", {kv}, 0});
    }
    if (form.has_qk_norms) {
      all.push_back({name + "attn_q_norm.weight", {config.head_dim}, 0});
      all.push_back({name + "attn_k_norm.weight", {config.head_dim}, 0});
    }
    all.push_back({name + "attn_output.weight", {d, q}, residual});
    all.push_back({name + "ffn_norm.weight", {d}, 0});
    all.push_back({name + "ffn_gate.weight", {ffn, d}, 0.02});
    all.push_back({name + "ffn_up.weight", {ffn, d}, 0.02});
    all.push_back({name + "ffn_down.weight", {d, ffn}, residual});
  }
  for (int64_t layer : config.exit_layers) {
    all.push_back({fmt::format("exit.{}.norm.weight", layer), {d}, 0});
    if (form.has_exit_outputs) {
      all.push_back({exit_output_name(layer), {config.vocab, d}, 0.02});
    }
  }
  all.push_back({"output_norm.weight", {d}, 0});
  if (form.has_output) all.push_back({"output.weight", {config.vocab, d}, 0.02});
  return all;
}

}  // namespace verge::nn
