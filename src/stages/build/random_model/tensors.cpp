#include <cmath>

#include <verge/stages/build/random_model/tensors.hpp>

namespace verge::build {
namespace {

constexpr float kLogitDeviation = 2.5f;
constexpr float kBiasDeviation = 0.2f;
constexpr float kNormDeviation = 0.1f;

class TensorList {
 public:
  explicit TensorList(const RandomModelSpec& spec) : spec_(spec) {}

  /// A matrix whose output has deviation `gain` for inputs of deviation one.
  void matrix(const std::string& name, Shape shape, float gain = 1.0f) {
    const DType dtype = spec_.dtype ? spec_.dtype(name, shape) : DType::F32;
    add(name, shape, dtype, 0.0f, gain / std::sqrt(static_cast<float>(shape.back())));
  }
  void router(const std::string& name, Shape shape) {
    add(name, shape, DType::F32, 0.0f, 2.0f / std::sqrt(static_cast<float>(shape.back())));
  }
  void norm(const std::string& name, int64_t size) {
    add(name, {size}, DType::F32, 1.0f, kNormDeviation);
  }
  void bias(const std::string& name, int64_t size) {
    add(name, {size}, DType::F32, 0.0f, kBiasDeviation);
  }

  std::vector<RandomTensor> take() { return std::move(tensors_); }

 private:
  void add(const std::string& name, Shape shape, DType dtype, float mean, float deviation) {
    tensors_.push_back({name, shape, dtype, mean, deviation});
  }

  const RandomModelSpec& spec_;
  std::vector<RandomTensor> tensors_;
};

bool is_gemma(const RandomModelSpec& spec) {
  return spec.architecture == "gemma2" || spec.architecture == "gemma3";
}

void add_attention(TensorList& list, const RandomModelSpec& spec, const std::string& block) {
  const int64_t q = int64_t{spec.heads} * spec.head_dim;
  const int64_t kv = int64_t{spec.kv_heads} * spec.head_dim;
  list.norm(block + "attn_norm.weight", spec.d_model);
  if (spec.architecture == "phi3") {
    list.matrix(block + "attn_qkv.weight", {q + 2 * kv, spec.d_model});
  } else {
    list.matrix(block + "attn_q.weight", {q, spec.d_model});
    list.matrix(block + "attn_k.weight", {kv, spec.d_model});
    list.matrix(block + "attn_v.weight", {kv, spec.d_model});
  }
  if (spec.bias_qkv) {
    list.bias(block + "attn_q.bias", q);
    list.bias(block + "attn_k.bias", kv);
    list.bias(block + "attn_v.bias", kv);
  }
  if (spec.architecture.starts_with("qwen3") || spec.architecture == "gemma3") {
    list.norm(block + "attn_q_norm.weight", spec.head_dim);
    list.norm(block + "attn_k_norm.weight", spec.head_dim);
  }
  list.matrix(block + "attn_output.weight", {spec.d_model, q});
  if (is_gemma(spec)) list.norm(block + "post_attention_norm.weight", spec.d_model);
}

void add_feed_forward(TensorList& list, const RandomModelSpec& spec, const std::string& block) {
  list.norm(block + "ffn_norm.weight", spec.d_model);
  if (spec.experts > 0) {
    list.router(block + "ffn_gate_inp.weight", {spec.experts, spec.d_model});
    list.matrix(block + "ffn_gate_exps.weight", {spec.experts, spec.ffn, spec.d_model});
    list.matrix(block + "ffn_up_exps.weight", {spec.experts, spec.ffn, spec.d_model});
    list.matrix(block + "ffn_down_exps.weight", {spec.experts, spec.d_model, spec.ffn}, 2.0f);
    return;
  }
  if (spec.architecture == "phi3") {  // gate and up in one matrix, gate first
    list.matrix(block + "ffn_up.weight", {2 * spec.ffn, spec.d_model});
  } else {
    list.matrix(block + "ffn_gate.weight", {spec.ffn, spec.d_model});
    list.matrix(block + "ffn_up.weight", {spec.ffn, spec.d_model});
  }
  list.matrix(block + "ffn_down.weight", {spec.d_model, spec.ffn}, 2.0f);
  if (is_gemma(spec)) list.norm(block + "post_ffw_norm.weight", spec.d_model);
}

}  // namespace

std::vector<RandomTensor> random_tensors(const RandomModelSpec& spec) {
  TensorList list(spec);
  list.matrix("token_embd.weight", {spec.vocab, spec.d_model}, kLogitDeviation);
  for (int layer = 0; layer < spec.layers; ++layer) {
    const std::string block = fmt::format("blk.{}.", layer);
    add_attention(list, spec, block);
    add_feed_forward(list, spec, block);
  }
  list.norm("output_norm.weight", spec.d_model);
  if (!spec.tied_head) {
    list.matrix("output.weight", {spec.vocab, spec.d_model}, kLogitDeviation);
  }
  return list.take();
}

int64_t parameter_count(const RandomModelSpec& spec) {
  int64_t count = 0;
  for (const RandomTensor& tensor : random_tensors(spec)) count += tensor.shape.count();
  return count;
}

}  // namespace verge::build
