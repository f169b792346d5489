#include <algorithm>

#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/model/augment.hpp>
#include <verge/stages/build/train_image/judge.hpp>

namespace verge::build {
namespace {

constexpr int64_t kBatch = 250;

Status expect_same_images(const model::ImageNetwork& network, const model::ImageData& data,
                          const std::string& path) {
  const nn::CnnConfig& config = network.config;
  if (config.channels == 1 && config.height == data.test.height &&
      config.width == data.test.width && config.classes == data.classes) {
    return {};
  }
  return make_error(Code::InvalidArgument,
                    "{}: for images of {} x {} in {} classes, the data has {} x {} in {}; give the "
                    "data it was trained for",
                    path, config.height, config.width, config.classes, data.test.height,
                    data.test.width, data.classes);
}

}  // namespace

Result<ImageJudge> ImageJudge::create(const model::ImageNetwork& network,
                                      runtime::WeightStore& weights, runtime::StateStore& states,
                                      ThreadPool& pool, bool is_frozen) {
  VERGE_TRY(graph::Graph inference, nn::build_cnn(network.config, kBatch));
  graph::PipelineOptions pipeline;
  if (is_frozen) {
    pipeline.parameters = runtime::parameter_values(weights);
    pipeline.node_seconds = graph::estimated_seconds;
  }
  for (graph::Value& value : inference.values) {  // or the plan would repack today's weights
    value.is_trainable = !is_frozen && value.kind == graph::ValueKind::Param;
  }
  VERGE_TRY(graph::Optimized optimized, graph::optimize(std::move(inference), pipeline));
  VERGE_TRY(runtime::Plan plan,
            runtime::Plan::compile(std::move(optimized.graph), weights, states, pool));
  return ImageJudge(network, std::move(plan));
}

Result<ImageJudge> ImageJudge::of_file(const model::Classifier& file, ThreadPool& pool) {
  VERGE_TRY(model::ClassifierPlan running, file.compile(kBatch, pool));
  ImageJudge judge(file.network(), std::move(*running.plan));
  judge.weights_ = std::move(running.weights);
  judge.states_ = std::move(running.states);
  return judge;
}

// [count, classes]; images past `count` of the batch are whatever was there before.
std::vector<float> ImageJudge::logits(const model::ImageSet& images, int64_t first, int64_t count) {
  const nn::CnnConfig& config = network_.config;
  auto* input = plan_.input("images").as<float>();
  for (int64_t i = 0; i < count; ++i) {
    model::normalize(network_.normalization, images.image(first + i),
                     input + i * config.height * config.width);
  }
  std::vector<float> sums(static_cast<size_t>(count * config.classes));
  for (int pass = 0; pass < (network_.mirror ? 2 : 1); ++pass) {
    plan_.run(std::span<const int64_t>{});
    const auto* found = plan_.output("logits").as<float>();
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += found[i];
    for (int64_t row = 0; row < count * config.height; ++row) {
      std::reverse(input + row * config.width, input + (row + 1) * config.width);
    }
  }
  return sums;
}

std::vector<int32_t> ImageJudge::judge(const model::ImageSet& images) {
  const int64_t classes = network_.config.classes;
  std::vector<int32_t> answers;
  for (int64_t first = 0; first < images.count(); first += kBatch) {
    const int64_t count = std::min(kBatch, images.count() - first);
    const std::vector<float> all = logits(images, first, count);
    for (int64_t i = 0; i < count; ++i) {
      const float* row = all.data() + i * classes;
      answers.push_back(static_cast<int32_t>(std::max_element(row, row + classes) - row));
    }
  }
  return answers;
}

double ImageJudge::accuracy(const model::ImageSet& images) {
  const std::vector<int32_t> answers = judge(images);
  int64_t right = 0;
  for (size_t i = 0; i < answers.size(); ++i) right += answers[i] == images.labels[i];
  return static_cast<double>(right) / static_cast<double>(images.count());
}

Result<ImageEvaluation> evaluate_image(const std::string& path, const model::ImageData& data,
                                       ThreadPool& pool) {
  VERGE_TRY(const model::Classifier file, model::Classifier::open(path));
  VERGE_RETURN_IF_ERROR(expect_same_images(file.network(), data, path));
  VERGE_TRY(ImageJudge judge, ImageJudge::of_file(file, pool));
  ImageEvaluation result{.images = data.test.count(), .accuracy = 0, .confusion = {}};
  const auto classes = static_cast<size_t>(data.classes);
  result.confusion.assign(classes, std::vector<int64_t>(classes));
  const std::vector<int32_t> answers = judge.judge(data.test);
  int64_t right = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto label = static_cast<size_t>(data.test.labels[i]);
    result.confusion[label][static_cast<size_t>(answers[i])] += 1;
    right += data.test.labels[i] == answers[i];
  }
  result.accuracy = static_cast<double>(right) / static_cast<double>(result.images);
  return result;
}

}  // namespace verge::build
