#include <deque>

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/model/onnx_network.hpp>
#include <verge/stages/serve/vision/onnx_vision.hpp>

namespace verge::serve {
namespace {

using format::onnx::ElementType;
using format::onnx::Extent;
using format::onnx::ValueInfo;

constexpr int64_t kLongestSide = 16384;
constexpr size_t kMostPlans = 4;  // each holds the weights as its kernels want them

Error no_picture(const std::string& path, const ValueInfo& input) {
  return make_error(
      Code::Unsupported,
      "{}: input \"{}\" takes no picture ([batch, 3 or 1, height, width] or [batch, "
      "height, width, 3 or 1], of floats or bytes, no side above {}); give it arrays by --input",
      path, input.name, kLongestSide);
}

int64_t known_extent(const Extent& extent) {
  return std::max<int64_t>(extent.value, 0);
}

bool is_channel_count(const Extent& extent) {
  return extent.value == 3 || extent.value == 1;
}

Result<VisionInput> picture_input(const std::string& path, const ValueInfo& input) {
  const bool is_type = is_float(input.type) || input.type == ElementType::Uint8;
  if (!is_type || input.dims.size() != 4) return no_picture(path, input);
  VisionInput found;
  found.batch = known_extent(input.dims[0]);
  const bool is_last = !is_channel_count(input.dims[1]) && is_channel_count(input.dims[3]);
  const bool is_open = input.dims[1].value < 0;  // says nothing: the common order
  if (!is_last && !is_channel_count(input.dims[1]) && !is_open) return no_picture(path, input);
  found.shape.is_channels_last = is_last;
  found.shape.channels = is_open && !is_last ? 3 : input.dims[is_last ? 3 : 1].value;
  found.shape.height = known_extent(input.dims[is_last ? 1 : 2]);
  found.shape.width = known_extent(input.dims[is_last ? 2 : 3]);
  if (std::max(found.shape.height, found.shape.width) > kLongestSide) {
    return no_picture(path, input);
  }
  return found;
}

Shape shape_of_batch(int64_t batch, const PictureShape& shape) {
  if (shape.is_channels_last) return {batch, shape.height, shape.width, shape.channels};
  return {batch, shape.channels, shape.height, shape.width};
}

Tensor as_f32(Tensor tensor) {
  if (tensor.dtype() == DType::F32) return tensor;
  Tensor converted(DType::F32, tensor.shape());
  graph::store(converted.view(), graph::load(tensor.view()));
  return converted;
}

class OnnxVision final : public VisionNetwork {
 public:
  OnnxVision(format::onnx::Onnx file, ValueInfo port, const VisionInput& input, ThreadPool& pool,
             const runtime::PlanOptions& options)
      : file_(std::move(file)),
        port_(std::move(port)),
        input_(input),
        settings_(settings_of_metadata(file_.model().metadata)),
        pool_(pool),
        options_(options) {}

  const VisionInput& input() const override { return input_; }
  const VisionSettings& settings() const override { return settings_; }

  int output_rank() const override {
    const auto& outputs = file_.model().graph.outputs;
    return outputs.empty() || !outputs[0].has_shape ? 0 : static_cast<int>(outputs[0].dims.size());
  }
  bool takes_bytes() const override { return port_.type == ElementType::Uint8; }

  Result<std::vector<Tensor>> run(int64_t batch, const PictureShape& shape,
                                  std::span<const float> values) override {
    const Shape wanted = shape_of_batch(batch, shape);
    VERGE_CHECK(static_cast<int64_t>(values.size()) == wanted.count(), values.size());
    VERGE_TRY(model::OnnxNetwork* const network, network_for(wanted));
    VERGE_RETURN_IF_ERROR(set_values(*network, wanted, values));
    network->run();
    std::vector<Tensor> outputs;
    for (size_t i = 0; i < network->outputs().size(); ++i) {
      Tensor output = as_f32(network->output(i));
      if (output.shape().rank() < 1 || output.shape()[0] != batch) {
        return make_error(Code::Unsupported,
                          "{}: output \"{}\" is {} for a batch of {}; give --batch 1", file_.path(),
                          network->outputs()[i].name, output.shape().str(), batch);
      }
      outputs.push_back(std::move(output));
    }
    if (outputs.empty()) {
      return make_error(Code::Unsupported, "{}: the network has no output", file_.path());
    }
    return outputs;
  }

  std::vector<std::string> reference_nodes() const override {
    return plans_.empty() ? std::vector<std::string>()
                          : plans_.back().network->plan().reference_nodes();
  }

  std::vector<graph::PartitionReport> partitions() const override {
    std::vector<graph::PartitionReport> reports;
    for (const Compiled& plan : plans_) {
      if (!plan.network->partition().backend.empty()) reports.push_back(plan.network->partition());
    }
    return reports;
  }

 private:
  struct Compiled {
    Shape shape;
    std::unique_ptr<model::OnnxNetwork> network;
  };

  Result<model::OnnxNetwork*> network_for(const Shape& shape) {
    for (const Compiled& known : plans_) {
      if (known.shape == shape) return known.network.get();
    }
    if (plans_.size() == kMostPlans) plans_.pop_front();
    const onnx::InputBinding binding{port_.name, shape, std::nullopt};
    VERGE_TRY(auto network, model::OnnxNetwork::compile(file_, {&binding, 1}, pool_, options_));
    VERGE_RETURN_IF_ERROR(expect_rows_of_pictures(network.outputs()));
    plans_.push_back({shape, std::make_unique<model::OnnxNetwork>(std::move(network))});
    return plans_.back().network.get();
  }

  Status expect_rows_of_pictures(std::span<const onnx::Port> outputs) const {
    for (const onnx::Port& port : outputs) {
      if (port.rows.count.empty()) continue;
      return make_error(Code::Unsupported,
                        "{}: rows of output \"{}\" are boxes that NonMaxSuppression selects, of "
                        "all pictures; give arrays by --input",
                        file_.path(), port.name);
    }
    return {};
  }

  Status set_values(model::OnnxNetwork& network, const Shape& shape,
                    std::span<const float> values) const {
    if (port_.type != ElementType::Uint8) {
      Tensor tensor(DType::F32, shape);
      std::ranges::copy(values, tensor.span<float>().begin());
      return network.set_input(port_.name, tensor.view());
    }
    Tensor bytes(DType::U8, shape);
    for (size_t i = 0; i < values.size(); ++i) {
      bytes.span<uint8_t>()[i] =
          static_cast<uint8_t>(std::min(std::max(values[i] + 0.5f, 0.0f), 255.0f));
    }
    return network.set_input(port_.name, bytes.view());
  }

  format::onnx::Onnx file_;
  ValueInfo port_;
  VisionInput input_;
  VisionSettings settings_;
  ThreadPool& pool_;
  runtime::PlanOptions options_;
  std::deque<Compiled> plans_;
};

}  // namespace

Result<std::unique_ptr<VisionNetwork>> open_onnx_vision(const std::string& path, ThreadPool& pool,
                                                        const runtime::PlanOptions& options) {
  VERGE_TRY(auto file, format::onnx::Onnx::open(path));
  const std::vector<ValueInfo> inputs = onnx::inputs_of(file);
  if (inputs.size() != 1) {
    return make_error(Code::Unsupported,
                      "{}: {} inputs; a network for pictures has one: give arrays by --input", path,
                      inputs.size());
  }
  VERGE_TRY(const VisionInput input, picture_input(path, inputs.front()));
  return std::unique_ptr<VisionNetwork>(
      std::make_unique<OnnxVision>(std::move(file), inputs.front(), input, pool, options));
}

}  // namespace verge::serve
