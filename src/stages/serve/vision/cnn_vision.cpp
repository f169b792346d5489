#include <verge/engine/model/classifier.hpp>
#include <verge/stages/serve/vision/cnn_vision.hpp>

namespace verge::serve {
namespace {

// As build::ImageJudge judges test images.
class CnnVision final : public VisionNetwork {
 public:
  CnnVision(model::Classifier classifier, ThreadPool& pool, const runtime::PlanOptions& options)
      : classifier_(std::move(classifier)),
        network_(classifier_.network()),
        pool_(pool),
        options_(options) {
    const nn::CnnConfig& config = network_.config;
    input_.shape = {config.channels, config.height, config.width, false};
    settings_.task = Task::Classify;
    settings_.fit = Fit::Stretch;
    settings_.scale = 1;
    settings_.mean.emplace().fill(network_.normalization.mean);
    settings_.deviation.emplace().fill(network_.normalization.deviation);
  }

  const VisionInput& input() const override { return input_; }
  const VisionSettings& settings() const override { return settings_; }

  int output_rank() const override { return 2; }
  bool takes_bytes() const override { return false; }

  Result<std::vector<Tensor>> run(int64_t batch, const PictureShape& shape,
                                  std::span<const float> values) override {
    if (batch != batch_) VERGE_RETURN_IF_ERROR(compile(batch));
    const std::span<float> input = running_.plan->input("images").span<float>();
    VERGE_CHECK(input.size() == values.size(), input.size(), values.size());
    std::ranges::copy(values, input.begin());
    std::vector<Tensor> outputs;
    Tensor& sums = outputs.emplace_back(DType::F32, Shape{batch, network_.config.classes});
    for (int pass = 0; pass < (network_.mirror ? 2 : 1); ++pass) {
      running_.plan->run(std::span<const int64_t>{});
      const auto* found = running_.plan->output("logits").as<float>();
      for (float& sum : sums.span<float>()) sum += *found++;
      for (auto row = input.begin(); row != input.end(); row += shape.width) {
        std::reverse(row, row + shape.width);
      }
    }
    return outputs;
  }

  std::vector<std::string> reference_nodes() const override {
    return running_.plan == nullptr ? std::vector<std::string>() : running_.plan->reference_nodes();
  }

 private:
  Status compile(int64_t batch) {
    VERGE_TRY(model::ClassifierPlan running, classifier_.compile(batch, pool_, options_));
    running_.plan.reset();  // before what it stands on
    running_ = std::move(running);
    batch_ = batch;
    return {};
  }

  model::Classifier classifier_;
  model::ImageNetwork network_;
  VisionInput input_;
  VisionSettings settings_;
  ThreadPool& pool_;
  runtime::PlanOptions options_;
  int64_t batch_ = 0;
  model::ClassifierPlan running_;
};

}  // namespace

Result<std::unique_ptr<VisionNetwork>> open_cnn_vision(const std::string& path, ThreadPool& pool,
                                                       const runtime::PlanOptions& options) {
  VERGE_TRY(auto classifier, model::Classifier::open(path));
  const int64_t channels = classifier.network().config.channels;
  if (channels != 1 && channels != 3) {
    return make_error(Code::Unsupported, "{}: pictures of {} channels; only 1 or 3 can be read",
                      path, channels);
  }
  return std::unique_ptr<VisionNetwork>(
      std::make_unique<CnnVision>(std::move(classifier), pool, options));
}

}  // namespace verge::serve
