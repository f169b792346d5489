#pragma once
// A small convolutional classifier: stages of 3x3 convolutions, each followed by batch norm
// (Ioffe & Szegedy 2015) and ReLU, with 2x2 max pooling between stages, then the mean over the
// image (Lin et al. 2014) and a linear head.

#include <string>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/engine/graph/ir.hpp>

namespace verge::nn {

struct CnnConfig {
  int64_t channels = 1, height = 28, width = 28;
  int64_t classes = 10;
  /// Output channels of each convolution, by stage.
  std::vector<std::vector<int64_t>> stages = {{16}, {32, 32}, {64, 64}};
};

struct CnnTraining {
  graph::Graph graph;
  graph::ValueId loss;
  std::vector<graph::ValueId> trainable;
};

/// Forward with the batch's own statistics, which move the running ones. Inputs: "images" [batch,
/// channels, height, width], "labels" i32 [batch]. Output: "loss", the mean cross-entropy in nats.
/// All reals are `dtype`, f32 or f64. Fails with InvalidArgument for sizes that do not fit.
Result<CnnTraining> build_cnn_training(const CnnConfig& config, int64_t batch,
                                       DType dtype = DType::F32);

/// Inference over the same parameters, with the running statistics. Output: "logits" [batch,
/// classes].
Result<graph::Graph> build_cnn(const CnnConfig& config, int64_t batch, DType dtype = DType::F32);

/// A parameter's initial values: normal around `mean`.
struct CnnParameter {
  std::string name;
  Shape shape;
  double mean = 0;
  double stddev = 0;
  bool is_trainable = true;  // running statistics are not
};
/// Convolutions by He et al. 2015, a head of small weights.
std::vector<CnnParameter> cnn_parameters(const CnnConfig& config);

/// Multiply-adds of the convolutions and the head for one image, times 2.
double cnn_flops(const CnnConfig& config);

}  // namespace verge::nn
