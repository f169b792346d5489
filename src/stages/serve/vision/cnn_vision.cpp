#include <verge/engine/format/safetensors/reader.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/model/image_network.hpp>
#include <verge/stages/serve/vision/cnn_vision.hpp>

namespace verge::serve {
namespace {

// As build::ImageJudge judges test images.
class CnnVision final : public VisionNetwork {
 public:
  CnnVision(format::Safetensors file, const model::ImageNetwork& network, ThreadPool& pool,
            const runtime::PlanOptions& options)
      : file_(std::move(file)), network_(network), pool_(pool), options_(options) {
    const nn::CnnConfig& config = network.config;
    input_.shape = {config.channels, config.height, config.width, false};
    settings_.task = Task::Classify;
    settings_.fit = Fit::Stretch;
    settings_.scale = 1;
    settings_.mean.emplace().fill(network.normalization.mean);
    settings_.deviation.emplace().fill(network.normalization.deviation);
  }

  const VisionInput& input() const override { return input_; }
  const VisionSettings& settings() const override { return settings_; }

  int output_rank() const override { return 2; }
  bool takes_bytes() const override { return false; }

  Result<std::vector<Tensor>> run(int64_t batch, const PictureShape& shape,
                                  std::span<const float> values) override {
    if (batch != batch_) VERGE_RETURN_IF_ERROR(compile(batch));
    const std::span<float> input = plan_->input("images").span<float>();
    VERGE_CHECK(input.size() == values.size(), input.size(), values.size());
    std::ranges::copy(values, input.begin());
    std::vector<Tensor> outputs;
    Tensor& sums = outputs.emplace_back(DType::F32, Shape{batch, network_.config.classes});
    for (int pass = 0; pass < (network_.mirror ? 2 : 1); ++pass) {
      plan_->run(std::span<const int64_t>{});
      const auto* found = plan_->output("logits").as<float>();
      for (float& sum : sums.span<float>()) sum += *found++;
      for (auto row = input.begin(); row != input.end(); row += shape.width) {
        std::reverse(row, row + shape.width);
      }
    }
    return outputs;
  }

  std::vector<std::string> reference_nodes() const override {
    return plan_ == nullptr ? std::vector<std::string>() : plan_->reference_nodes();
  }

 private:
  Status compile(int64_t batch) {
    auto weights = std::make_unique<runtime::WeightStore>();
    auto states = std::make_unique<runtime::StateStore>();
    for (const format::StoredTensor& tensor : file_.tensors()) {
      VERGE_TRY(const TensorView view, tensor.view());
      weights->add(tensor.name, view, file_.file());
    }
    graph::PipelineOptions pipeline;
    pipeline.parameters = [&](std::string_view name) -> std::optional<TensorView> {
      const auto found = weights->native(std::string(name));
      return found ? std::optional(*found) : std::nullopt;
    };
    VERGE_TRY(graph::Graph graph, nn::build_cnn(network_.config, batch));
    VERGE_TRY(graph::Optimized optimized, graph::optimize(std::move(graph), pipeline));
    VERGE_TRY(runtime::Plan plan, runtime::Plan::compile(std::move(optimized.graph), *weights,
                                                         *states, pool_, options_));
    plan_.reset();
    weights_ = std::move(weights);
    states_ = std::move(states);
    plan_ = std::make_unique<runtime::Plan>(std::move(plan));
    batch_ = batch;
    return {};
  }

  format::Safetensors file_;
  model::ImageNetwork network_;
  VisionInput input_;
  VisionSettings settings_;
  ThreadPool& pool_;
  runtime::PlanOptions options_;
  int64_t batch_ = 0;
  std::unique_ptr<runtime::WeightStore> weights_;
  std::unique_ptr<runtime::StateStore> states_;
  std::unique_ptr<runtime::Plan> plan_;
};

}  // namespace

Result<std::unique_ptr<VisionNetwork>> open_cnn_vision(const std::string& path, ThreadPool& pool,
                                                       const runtime::PlanOptions& options) {
  VERGE_TRY(auto file, format::Safetensors::open(path));
  VERGE_TRY(const model::ImageNetwork network, model::read_network(file, path));
  if (network.config.channels != 1 && network.config.channels != 3) {
    return make_error(Code::Unsupported, "{}: pictures of {} channels; only 1 or 3 can be read",
                      path, network.config.channels);
  }
  return std::unique_ptr<VisionNetwork>(
      std::make_unique<CnnVision>(std::move(file), network, pool, options));
}

}  // namespace verge::serve
