#include <cmath>

#include <verge/stages/serve/vision/classify.hpp>
#include <verge/stages/serve/vision/line_reader.hpp>

namespace verge::serve {
namespace {

constexpr int64_t kUsualHeight = 48;
constexpr int64_t kClassifierWidth = 192;
// Widths of a plan: few, because each is compiled by itself.
constexpr int64_t kWidthStep = 160, kLeastWidth = 320, kMostWidth = 3200;
constexpr double kStandsUpright = 1.5;  // height to width, from which a line is turned
constexpr double kSureTurn = 0.9;

const Preprocessing kLines = {.fit = Fit::Stretch,
                              .filter = Filter::Bilinear,
                              .kept = 1,
                              .is_bgr = true,
                              .scale = 1.0f / 255,
                              .mean = {0.5f, 0.5f, 0.5f},
                              .deviation = {0.5f, 0.5f, 0.5f}};

// The line at the left, what is right of it grey: 0 for the network. `wanted` has the height; a
// width of 0 is the least step that the line fits into.
struct PaddedLine {
  PictureShape shape;
  std::vector<float> values;
};

PaddedLine padded_line(const Image& line, const VisionInput& input, int64_t usual_width) {
  PictureShape shape = input.shape;
  if (shape.height == 0) shape.height = kUsualHeight;
  const double ratio = static_cast<double>(line.width) / static_cast<double>(line.height);
  const int64_t natural = std::llround(std::ceil(ratio * static_cast<double>(shape.height)));
  if (shape.width == 0) shape.width = usual_width;
  if (shape.width == 0) {
    const int64_t steps = (natural + kWidthStep - 1) / kWidthStep;
    shape.width = std::clamp(steps * kWidthStep, kLeastWidth, kMostWidth);
  }
  PictureShape inner = shape;
  inner.width = std::clamp<int64_t>(natural, 1, shape.width);
  std::vector<float> values(static_cast<size_t>(inner.count()));
  prepare(line, kLines, inner, values.data());
  PaddedLine padded{shape, std::vector<float>(static_cast<size_t>(shape.count()))};
  const int64_t run = inner.width * (shape.is_channels_last ? shape.channels : 1);
  const int64_t step = shape.width * (shape.is_channels_last ? shape.channels : 1);
  for (int64_t row = 0; row * run < std::ssize(values); ++row) {
    std::copy_n(values.data() + row * run, run, padded.values.data() + row * step);
  }
  return padded;
}

}  // namespace

Result<LineReader> LineReader::open(const LineReaderFiles& files, ThreadPool& pool,
                                    const runtime::PlanOptions& options) {
  LineReader reader;
  reader.files_ = files;
  VERGE_TRY(reader.recognizer_, open_vision_network(files.recognizer, pool, options));
  if (!files.classifier.empty()) {
    VERGE_TRY(reader.classifier_, open_vision_network(files.classifier, pool, options));
  }
  return reader;
}

Result<bool> LineReader::is_upside_down(const Image& line) {
  const PaddedLine padded = padded_line(line, classifier_->input(), kClassifierWidth);
  VERGE_TRY(const auto outputs, classifier_->run(1, padded.shape, padded.values));
  const auto scores = outputs.front().span<float>();
  if (scores.size() != 2) {
    return make_error(Code::Unsupported,
                      "{}: {} classes; a classifier of lines has two, 0 and 180 degrees",
                      files_.classifier, scores.size());
  }
  const ClassScore best = likeliest(scores, 1).front();
  return best.index == 1 && best.probability > kSureTurn;
}

Result<ReadText> LineReader::read(const Image& picture, const Quad& quad) {
  Image line = upright_crop(picture, quad);
  const double ratio = static_cast<double>(line.height) / static_cast<double>(line.width);
  if (ratio >= kStandsUpright) line = turned_left(line);
  if (classifier_ != nullptr) {
    VERGE_TRY(const bool is_over, is_upside_down(line));
    if (is_over) line = turned_over(line);
  }
  const PaddedLine padded = padded_line(line, recognizer_->input(), 0);
  VERGE_TRY(const auto outputs, recognizer_->run(1, padded.shape, padded.values));
  const Tensor& scores = outputs.front();
  if (scores.shape().rank() != 3 || scores.shape().back() < 2) {
    return make_error(Code::Unsupported,
                      "{}: an output {} is no recogniser's: [1, steps, characters]",
                      files_.recognizer, scores.shape().str());
  }
  if (characters_.empty()) {
    VERGE_TRY(characters_, read_characters(files_.characters, scores.shape().back()));
  }
  if (std::ssize(characters_) != scores.shape().back() - 1) {
    return make_error(Code::Unsupported, "{}: its classes change with the width",
                      files_.recognizer);
  }
  return greedy_ctc(scores.span<float>(), scores.shape().back(), characters_);
}

std::vector<std::string> LineReader::reference_nodes() const {
  std::vector<std::string> nodes = recognizer_->reference_nodes();
  if (classifier_ != nullptr) {
    for (std::string& node : classifier_->reference_nodes()) nodes.push_back(std::move(node));
  }
  return nodes;
}

std::vector<graph::PartitionReport> LineReader::partitions() const {
  std::vector<graph::PartitionReport> reports = recognizer_->partitions();
  if (classifier_ != nullptr) {
    for (auto& report : classifier_->partitions()) reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace verge::serve
