#pragma once
// A decoder-only language model of Llama's kind in libtorch: RMSNorm, RoPE, grouped attention,
// SwiGLU, no biases, the head tied to the embedding. Touvron et al. 2023. Tensor names as in GGUF.

#include <string>
#include <vector>

#include <torch/torch.h>

struct LmShape {
  int d_model = 256;
  int layers = 6;
  int heads = 8;
  int kv_heads = 8;
  int ffn = 704;
  int vocab = 4096;
  double rms_epsilon = 1e-5;
  double rope_base = 10000;
  int lora_rank = 0;        // above 0: the weights are frozen, factors beside each product learn
  bool interleaved = true;  // RoPE turns values (2i, 2i + 1), as GGUF's llama; else (i, i + half)
};

struct NamedParameter {
  std::string name;
  torch::Tensor value;
};

class TorchLm {
 public:
  /// Weights N(0, 0.02), norms 1; the same for the same seed. Low-rank factors begin as Hu et al.
  /// 2021 say, alpha is twice the rank, and the embedding has none.
  TorchLm(const LmShape& shape, int64_t seed);

  /// Mean cross entropy of targets given inputs, both [batch, tokens] of int64.
  torch::Tensor loss(const torch::Tensor& inputs, const torch::Tensor& targets) const;

  std::vector<NamedParameter>& parameters() { return parameters_; }
  /// Those that learn.
  std::vector<torch::Tensor> trainable() const;
  int64_t parameter_count() const;

 private:
  torch::Tensor block(const torch::Tensor& x, int layer) const;
  torch::Tensor attention(const torch::Tensor& x, int layer) const;
  torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight) const;
  torch::Tensor rotate(const torch::Tensor& x) const;
  const torch::Tensor& weight(int layer, int index) const;
  torch::Tensor linear(const torch::Tensor& x, int layer, int index) const;
  void add_factors();

  LmShape shape_;
  std::vector<NamedParameter> parameters_;
  std::vector<torch::Tensor> down_, up_;  // by weight(layer, index); undefined: none
};
