#pragma once
// MCUNet-5fps (Lin et al. 2020; its file of tables is mcunet-5fps_imagenet.json) at any size of
// pictures, with random weights: the network that Lin et al. 2022 train below 256 KB at 128 x 128.
// 42 convolutions, with the batch norms folded, ReLU6 between; a classifier of `classes`.

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/nn/level_network.hpp>

namespace verge::support {

struct McuNet {
  graph::Graph graph;
  graph::ValueId loss = graph::kNone;
  std::map<std::string, std::vector<float>> weights;

  std::vector<float> values(const std::string& name) const { return weights.at(name); }
  /// As calibration would find them for pictures in [-1, 1].
  nn::ValueRanges ranges() const {
    nn::ValueRanges ranges;
    for (const std::string& name : nn::ranged_values(graph, "images")) {
      ranges[name] = name == "images" ? nn::ValueRange{-1, 1} : nn::ValueRange{-6, 6};
    }
    return ranges;
  }
};

class McuNetBuilder {
 public:
  McuNet build(int64_t batch, int64_t side, int64_t classes) {
    // {expanded, result, kernel, stride} of each block.
    constexpr int64_t kBlocks[][4] = {
        {16, 8, 3, 1},   {32, 16, 3, 2},  {48, 16, 3, 1},  {48, 24, 7, 2},  {120, 24, 3, 1},
        {120, 40, 3, 2}, {160, 40, 7, 1}, {160, 48, 5, 1}, {144, 48, 3, 1}, {192, 48, 3, 1},
        {240, 96, 7, 2}, {384, 96, 5, 1}, {384, 96, 5, 1}, {576, 160, 3, 1}};
    graph::ValueId x = b_.input("images", {DType::F32, {batch, 3, side, side}});
    x = relu6(conv(x, 3, 16, 3, 2, 1));
    int64_t from = 16;
    for (const auto& [wide, to, kernel, stride] : kBlocks) {
      const graph::ValueId input = x;
      if (wide != from) x = relu6(conv(x, from, wide, 1, 1, 1));
      x = relu6(conv(x, wide, wide, kernel, stride, wide));
      x = conv(x, wide, to, 1, 1, 1);
      if (from == to && stride == 1) x = b_.op("add", {input, x});
      from = to;
    }
    x = b_.op("global_avg_pool", {x});
    x = b_.op("linear",
              {x, weight("head.weight", {classes, from}, 0.1), weight("head.bias", {classes}, 0)});
    b_.output(x, "logits");
    net_.loss = b_.op("softmax_cross_entropy", {x, b_.input("labels", {DType::I32, {batch}})});
    b_.output(net_.loss, "loss");
    net_.graph = b_.finish().value();
    return std::move(net_);
  }

 private:
  graph::ValueId relu6(graph::ValueId x) {
    return b_.op("clip", {x}, {{"min", 0.0}, {"max", 6.0}});
  }

  graph::ValueId conv(graph::ValueId x, int64_t from, int64_t to, int64_t kernel, int64_t stride,
                      int64_t groups) {
    const std::string name = fmt::format("conv.{}", convolutions_++);
    const int64_t pad = kernel / 2;
    const double deviation = std::sqrt(2.0 / static_cast<double>(from / groups * kernel * kernel));
    b_.source(name);
    return b_.op("conv2d",
                 {x, weight(name + ".weight", {to, from / groups, kernel, kernel}, deviation),
                  weight(name + ".bias", {to}, 0.1)},
                 {{"strides", std::vector<int64_t>{stride, stride}},
                  {"pads", std::vector<int64_t>{pad, pad, pad, pad}},
                  {"groups", groups}});
  }

  graph::ValueId weight(const std::string& name, const std::vector<int64_t>& extents,
                        double deviation) {
    graph::Dims dims(extents.begin(), extents.end());
    int64_t count = 1;
    for (const int64_t extent : extents) count *= extent;
    std::vector<float>& values = net_.weights[name];
    while (std::ssize(values) < count) {
      values.push_back(static_cast<float>(deviation) * rng_.normal());
    }
    return b_.param(name, {DType::F32, dims});
  }

  graph::Builder b_{"mcunet"};
  McuNet net_;
  Rng rng_{5};
  int convolutions_ = 0;
};

inline McuNet mcunet(int64_t batch, int64_t side, int64_t classes = 10) {
  return McuNetBuilder().build(batch, side, classes);
}

}  // namespace verge::support
