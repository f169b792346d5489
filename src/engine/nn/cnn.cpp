#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/nn/cnn.hpp>

namespace verge::nn {
namespace {

using graph::Builder;
using graph::ValueId;
using List = std::vector<int64_t>;

std::string layer_name(size_t stage, size_t layer) {
  return fmt::format("stage.{}.{}", stage, layer);
}

class CnnBuilder {
 public:
  CnnBuilder(const CnnConfig& config, int64_t batch, DType dtype, bool is_training)
      : config_(config), dtype_(dtype), is_training_(is_training), b_("cnn") {
    images_ = b_.input("images", {dtype, {batch, config.channels, config.height, config.width}});
    for (const CnnParameter& parameter : cnn_parameters(config)) {
      graph::Dims dims(parameter.shape.extents().begin(), parameter.shape.extents().end());
      const ValueId id = b_.param(parameter.name, {dtype, dims});
      if (!is_training || !parameter.is_trainable) continue;
      b_.graph().value(id).is_trainable = true;
      trainable_.push_back(id);
    }
  }

  ValueId logits() {
    ValueId x = images_;
    for (size_t stage = 0; stage < config_.stages.size(); ++stage) {
      if (stage > 0) {
        x = b_.op("max_pool2d", {x}, {{"kernel", List{2, 2}}, {"strides", List{2, 2}}});
      }
      for (size_t layer = 0; layer < config_.stages[stage].size(); ++layer) {
        x = block(x, layer_name(stage, layer));
      }
    }
    b_.source("head");
    x = b_.op("global_avg_pool", {x});
    return b_.op("linear", {x, find("head.weight"), find("head.bias")});
  }

  Builder& builder() { return b_; }
  std::vector<ValueId> take_trainable() { return std::move(trainable_); }

 private:
  ValueId find(const std::string& name) { return b_.graph().find(name); }

  ValueId block(ValueId x, const std::string& name) {
    b_.source(name);
    x = b_.op("conv2d", {x, find(name + ".conv.weight")}, {{"pads", List{1, 1, 1, 1}}});
    x = b_.op(is_training_ ? "batch_norm_live" : "batch_norm",
              {x, find(name + ".norm.weight"), find(name + ".norm.bias"), find(name + ".norm.mean"),
               find(name + ".norm.variance")});
    return b_.op("relu", {x});
  }

  const CnnConfig& config_;
  DType dtype_;
  bool is_training_;
  Builder b_;
  ValueId images_;
  std::vector<ValueId> trainable_;
};

Status check(const CnnConfig& config, int64_t batch) {
  constexpr size_t kMostStages = 16;
  if (config.stages.size() > kMostStages) {
    return make_error(Code::InvalidArgument, "{} stages; give at most {}", config.stages.size(),
                      kMostStages);
  }
  const auto shrink = int64_t{1} << std::max<size_t>(config.stages.size(), 1) >> 1;
  if (config.stages.empty() || std::min(config.height, config.width) < shrink) {
    return make_error(Code::InvalidArgument,
                      "images of {} x {} are too small for {} stages, each of which halves them",
                      config.height, config.width, config.stages.size());
  }
  if (batch < 1 || config.channels < 1 || config.classes < 2) {
    return make_error(Code::InvalidArgument,
                      "a batch of {}, {} channels and {} classes do not make a classifier", batch,
                      config.channels, config.classes);
  }
  return {};
}

}  // namespace

Result<CnnTraining> build_cnn_training(const CnnConfig& config, int64_t batch, DType dtype) {
  VERGE_RETURN_IF_ERROR(check(config, batch));
  CnnBuilder cnn(config, batch, dtype, true);
  const ValueId logits = cnn.logits();
  Builder& b = cnn.builder();
  const ValueId labels = b.input("labels", {DType::I32, {batch}});
  const ValueId loss = b.op("softmax_cross_entropy", {logits, labels});
  b.output(loss, "loss");
  VERGE_TRY(graph::Graph graph, b.finish());
  return CnnTraining{std::move(graph), loss, cnn.take_trainable()};
}

Result<graph::Graph> build_cnn(const CnnConfig& config, int64_t batch, DType dtype) {
  VERGE_RETURN_IF_ERROR(check(config, batch));
  CnnBuilder cnn(config, batch, dtype, false);
  cnn.builder().output(cnn.logits(), "logits");
  return cnn.builder().finish();
}

std::vector<CnnParameter> cnn_parameters(const CnnConfig& config) {
  std::vector<CnnParameter> all;
  int64_t in = config.channels;
  for (size_t stage = 0; stage < config.stages.size(); ++stage) {
    for (size_t layer = 0; layer < config.stages[stage].size(); ++layer) {
      const int64_t out = config.stages[stage][layer];
      const std::string name = layer_name(stage, layer);
      all.push_back(
          {name + ".conv.weight", {out, in, 3, 3}, 0, std::sqrt(2 / static_cast<double>(in * 9))});
      all.push_back({name + ".norm.weight", {out}, 1});
      all.push_back({name + ".norm.bias", {out}});
      all.push_back({name + ".norm.mean", {out}, 0, 0, false});
      all.push_back({name + ".norm.variance", {out}, 1, 0, false});
      in = out;
    }
  }
  all.push_back({"head.weight", {config.classes, in}, 0, 1 / std::sqrt(static_cast<double>(in))});
  all.push_back({"head.bias", {config.classes}});
  return all;
}

double cnn_flops(const CnnConfig& config) {
  int64_t in = config.channels, height = config.height, width = config.width, products = 0;
  for (size_t stage = 0; stage < config.stages.size(); ++stage) {
    if (stage > 0) height /= 2, width /= 2;
    for (const int64_t out : config.stages[stage]) {
      products += 9 * in * out * height * width;
      in = out;
    }
  }
  return 2 * static_cast<double>(products + in * config.classes);
}

}  // namespace verge::nn
