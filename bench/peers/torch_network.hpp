#pragma once
// A training step of an image classifier from an ONNX file in PyTorch.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <torch/torch.h>

namespace onnx {
class ModelProto;
class NodeProto;
}  // namespace onnx

/// Of convolutions, batch norms by their running statistics, ReLU, Clip, pools, sums and a linear
/// head; any other operator is a std::invalid_argument.
class TorchNetwork {
 public:
  explicit TorchNetwork(const std::string& path);
  ~TorchNetwork();

  /// Of the input's channels, height and width where the file fixes them, else `side`.
  std::vector<int64_t> image(int64_t side) const;
  torch::Tensor logits(const torch::Tensor& x) const;
  /// Weights and biases, and scales and offsets of batch norms.
  std::vector<torch::Tensor> parameters() const;

 private:
  torch::Tensor result(const onnx::NodeProto& node, const std::vector<torch::Tensor>& in) const;

  std::unique_ptr<onnx::ModelProto> model_;
  std::map<std::string, torch::Tensor> weights_;
  std::map<std::string, int> readers_;  // of each intermediate value
};
