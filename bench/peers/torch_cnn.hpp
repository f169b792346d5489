#pragma once
// The classifier of `verge train image` in PyTorch: 3x3 convolutions with batch norm by the batch's
// own statistics and ReLU, 2x2 max pooling between stages, the mean over the image, a linear head.

#include <string>
#include <vector>

#include <torch/torch.h>

struct CnnShape {
  int64_t channels = 1, height = 28, width = 28, classes = 10;
  std::vector<std::vector<int64_t>> stages;  // output channels of each convolution
};

/// The mean cross-entropy of a batch. `weights` is a raw f32 file of each convolution's weight,
/// norm weight and norm bias, then the head's weight and bias; `images` one of [batch, channels,
/// height, width]. Writes the gradients to `out`, in the order of the weights.
double cnn_gradients(const CnnShape& shape, const std::string& weights, const std::string& images,
                     const std::vector<int32_t>& labels, const std::string& out);
