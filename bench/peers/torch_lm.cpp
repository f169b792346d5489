#include "torch_lm.hpp"

#include <cmath>

namespace {

namespace F = torch::nn::functional;
using torch::indexing::Slice;

enum LayerWeight { kAttnNorm, kQ, kK, kV, kOutput, kFfnNorm, kGate, kUp, kDown, kLayerWeights };

}  // namespace

TorchLm::TorchLm(const LmShape& shape, int64_t seed) : shape_(shape) {
  torch::manual_seed(seed);
  const auto add = [&](const std::string& name, std::vector<int64_t> size) {
    torch::Tensor value = size.size() == 1 ? torch::ones(size) : torch::randn(size) * 0.02;
    parameters_.push_back({name, value.set_requires_grad(true)});
  };
  const int64_t d = shape.d_model;
  const int64_t kv = d / shape.heads * shape.kv_heads;
  add("token_embd.weight", {shape.vocab, d});
  for (int layer = 0; layer < shape.layers; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    add(block + "attn_norm.weight", {d});
    add(block + "attn_q.weight", {d, d});
    add(block + "attn_k.weight", {kv, d});
    add(block + "attn_v.weight", {kv, d});
    add(block + "attn_output.weight", {d, d});
    add(block + "ffn_norm.weight", {d});
    add(block + "ffn_gate.weight", {shape.ffn, d});
    add(block + "ffn_up.weight", {shape.ffn, d});
    add(block + "ffn_down.weight", {d, shape.ffn});
  }
  add("output_norm.weight", {d});
  if (shape.lora_rank > 0) add_factors();
}

void TorchLm::add_factors() {
  for (const NamedParameter& parameter : parameters_) {
    const bool is_product = parameter.value.dim() == 2 && parameter.name != "token_embd.weight";
    parameter.value.set_requires_grad(false);
    down_.emplace_back();
    up_.emplace_back();
    if (!is_product) continue;
    const int64_t out = parameter.value.size(0), in = parameter.value.size(1);
    down_.back() = (torch::randn({shape_.lora_rank, in}) / std::sqrt(in)).set_requires_grad(true);
    up_.back() = torch::zeros({out, shape_.lora_rank}).set_requires_grad(true);
  }
}

std::vector<torch::Tensor> TorchLm::trainable() const {
  std::vector<torch::Tensor> values;
  for (const NamedParameter& parameter : parameters_) {
    if (parameter.value.requires_grad()) values.push_back(parameter.value);
  }
  for (const auto* factors : {&down_, &up_}) {
    for (const torch::Tensor& factor : *factors) {
      if (factor.defined()) values.push_back(factor);
    }
  }
  return values;
}

torch::Tensor TorchLm::linear(const torch::Tensor& x, int layer, int index) const {
  constexpr double kAlphaOverRank = 2;
  const torch::Tensor y = F::linear(x, weight(layer, index));
  if (shape_.lora_rank == 0) return y;
  const auto at = static_cast<size_t>(1 + layer * kLayerWeights + index);
  return y + kAlphaOverRank * F::linear(F::linear(x, down_[at]), up_[at]);
}

const torch::Tensor& TorchLm::weight(int layer, int index) const {
  return parameters_[static_cast<size_t>(1 + layer * kLayerWeights + index)].value;
}

int64_t TorchLm::parameter_count() const {
  int64_t count = 0;
  for (const NamedParameter& parameter : parameters_) count += parameter.value.numel();
  return count;
}

torch::Tensor TorchLm::rms_norm(const torch::Tensor& x, const torch::Tensor& weight) const {
  return x * torch::rsqrt(x.pow(2).mean(-1, true) + shape_.rms_epsilon) * weight;
}

/// x [batch, heads, tokens, head_dim].
torch::Tensor TorchLm::rotate(const torch::Tensor& x) const {
  const int64_t head_dim = x.size(-1);
  const int64_t half = head_dim / 2;
  const torch::Tensor frequency =
      torch::pow(shape_.rope_base, torch::arange(half, torch::kFloat32) * (-2.0 / head_dim));
  const torch::Tensor angle = torch::outer(torch::arange(x.size(-2), torch::kFloat32), frequency);
  const torch::Tensor cosine = angle.cos();
  const torch::Tensor sine = angle.sin();
  if (shape_.interleaved) {
    const torch::Tensor even = x.index({"...", Slice(0, torch::indexing::None, 2)});
    const torch::Tensor odd = x.index({"...", Slice(1, torch::indexing::None, 2)});
    return torch::stack({even * cosine - odd * sine, even * sine + odd * cosine}, -1).flatten(-2);
  }
  const torch::Tensor low = x.index({"...", Slice(0, half)});
  const torch::Tensor high = x.index({"...", Slice(half)});
  return torch::cat({low * cosine - high * sine, low * sine + high * cosine}, -1);
}

torch::Tensor TorchLm::attention(const torch::Tensor& x, int layer) const {
  const int64_t batch = x.size(0), tokens = x.size(1);
  const int64_t head_dim = shape_.d_model / shape_.heads;
  const auto heads_of = [&](int index, int64_t heads) {
    return linear(x, layer, index).view({batch, tokens, heads, head_dim}).transpose(1, 2);
  };
  const torch::Tensor q = rotate(heads_of(kQ, shape_.heads));
  torch::Tensor k = rotate(heads_of(kK, shape_.kv_heads));
  torch::Tensor v = heads_of(kV, shape_.kv_heads);
  if (shape_.kv_heads != shape_.heads) {
    k = k.repeat_interleave(shape_.heads / shape_.kv_heads, 1);
    v = v.repeat_interleave(shape_.heads / shape_.kv_heads, 1);
  }
  const torch::Tensor mask = torch::full({tokens, tokens}, -INFINITY).triu(1);
  const torch::Tensor scores =
      torch::matmul(q, k.transpose(-2, -1)) / std::sqrt(static_cast<double>(head_dim)) + mask;
  const torch::Tensor mixed = torch::matmul(torch::softmax(scores, -1), v);
  return linear(mixed.transpose(1, 2).reshape({batch, tokens, shape_.d_model}), layer, kOutput);
}

torch::Tensor TorchLm::block(const torch::Tensor& x, int layer) const {
  const torch::Tensor h = x + attention(rms_norm(x, weight(layer, kAttnNorm)), layer);
  const torch::Tensor normed = rms_norm(h, weight(layer, kFfnNorm));
  const torch::Tensor gate = torch::silu(linear(normed, layer, kGate));
  return h + linear(gate * linear(normed, layer, kUp), layer, kDown);
}

torch::Tensor TorchLm::loss(const torch::Tensor& inputs, const torch::Tensor& targets) const {
  const torch::Tensor& embedding = parameters_.front().value;
  torch::Tensor x = torch::embedding(embedding, inputs);
  for (int layer = 0; layer < shape_.layers; ++layer) x = block(x, layer);
  const torch::Tensor logits =
      F::linear(rms_norm(x, parameters_.back().value), embedding).flatten(0, 1);
  return torch::nll_loss(torch::log_softmax(logits, -1), targets.flatten());
}
