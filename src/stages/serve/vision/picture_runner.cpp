#include <filesystem>

#include <verge/stages/serve/vision/picture_runner.hpp>

namespace verge::serve {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostPictures = 4096;  // of a batch

Result<VisionSettings> with_settings_beside(const std::string& path, VisionSettings settings) {
  const std::string beside = fs::path(path).replace_extension(".toml").string();
  std::error_code error;
  if (!fs::exists(beside, error)) return settings;
  VERGE_TRY(const VisionSettings written, read_settings(beside));
  settings.fill_from(written);
  return settings;
}

std::span<const float> row_of(const Tensor& output, int64_t index) {
  const int64_t values = output.shape().count() / output.shape()[0];
  return output.span<float>().subspan(static_cast<size_t>(index * values),
                                      static_cast<size_t>(values));
}

Error wrong_output(const Tensor& output, std::string_view wanted) {
  return make_error(Code::Unsupported, "an output of {} is no {}; give another --task",
                    output.shape().str(), wanted);
}

bool are_alike(const PictureShape& a, const PictureShape& b) {
  return a.height == b.height && a.width == b.width;
}

}  // namespace

Result<PictureRunner> PictureRunner::open(const std::string& path, const PictureOptions& options,
                                          ThreadPool& pool, const runtime::PlanOptions& plan) {
  PictureRunner runner;
  runner.options_ = options;
  VERGE_TRY(runner.network_, open_vision_network(path, pool, plan));
  VERGE_TRY(const VisionSettings settings, with_settings_beside(path, options.settings));
  auto recipe = recipe_for(*runner.network_, settings);
  if (!recipe) return make_error(recipe.error().code, "{}: {}", path, recipe.error().message);
  runner.recipe_ = *recipe;
  const int64_t fixed = runner.network_->input().batch;
  if (fixed > 0 && options.batch > 1 && options.batch != fixed) {
    return make_error(Code::InvalidArgument, "--batch {}: {} takes {} pictures at a time",
                      options.batch, path, fixed);
  }
  runner.batch_ = fixed > 0 ? fixed : options.batch;
  if (runner.batch_ > kMostPictures) {
    return make_error(Code::InvalidArgument, "{}: a batch of {} pictures; the most are {}", path,
                      runner.batch_, kMostPictures);
  }
  if (!options.reader.recognizer.empty()) {
    VERGE_TRY(runner.reader_, LineReader::open(options.reader, pool, plan));
  }
  return runner;
}

Result<PreparedPicture> PictureRunner::prepare_file(const std::string& path) const {
  PreparedPicture picture{.path = path, .image = {}, .shape = {}, .placement = {}, .values = {}};
  VERGE_TRY(picture.image, format::read_image(path, options_.limits));
  picture.shape = recipe_.shape_for(picture.image.height, picture.image.width);
  if (const Status fits = check_proportions(picture.image, recipe_.how, picture.shape); !fits) {
    return make_error(fits.error().code, "{}: {}", path, fits.error().message);
  }
  picture.values.resize(static_cast<size_t>(picture.shape.count()));
  picture.placement = prepare(picture.image, recipe_.how, picture.shape, picture.values.data());
  return picture;
}

Result<PictureCounts> PictureRunner::run(const std::vector<std::string>& files, const Take& take,
                                         const std::atomic<bool>* cancel) {
  PictureCounts counts;
  PictureQueue queue(files, options_.readers,
                     static_cast<size_t>(batch_) + static_cast<size_t>(options_.readers),
                     [this](const std::string& path) { return prepare_file(path); });
  std::vector<PreparedPicture> waiting;
  for (size_t i = 0; auto next = queue.next(); ++i) {
    if (cancel != nullptr && *cancel) return make_error(Code::Cancelled, "interrupted");
    const bool joins = *next && !waiting.empty() && are_alike(waiting[0].shape, (*next)->shape);
    if (!waiting.empty() && !joins) {
      VERGE_RETURN_IF_ERROR(answer(std::exchange(waiting, {}), take, counts));
    }
    if (!*next) {
      ++counts.failed;
      PictureAnswer failed;
      failed.path = files[i];
      failed.error = next->error();
      VERGE_RETURN_IF_ERROR(take(failed, {}));
      continue;
    }
    waiting.push_back(std::move(**next));
    if (std::ssize(waiting) < batch_) continue;
    VERGE_RETURN_IF_ERROR(answer(std::exchange(waiting, {}), take, counts));
  }
  if (!waiting.empty()) VERGE_RETURN_IF_ERROR(answer(std::move(waiting), take, counts));
  return counts;
}

// A batch that is not full is filled with zeros: another size would be compiled by itself.
Status PictureRunner::answer(std::vector<PreparedPicture> pictures, const Take& take,
                             PictureCounts& counts) {
  const PictureShape& shape = pictures.front().shape;
  std::vector<float> values(static_cast<size_t>(batch_ * shape.count()));
  for (size_t i = 0; i < pictures.size(); ++i) {
    std::ranges::copy(pictures[i].values, values.begin() + static_cast<int64_t>(i) * shape.count());
  }
  VERGE_TRY(const std::vector<Tensor> outputs, network_->run(batch_, shape, values));
  for (size_t i = 0; i < pictures.size(); ++i) {
    VERGE_TRY(const PictureAnswer answered,
              answer_of(pictures[i], outputs, static_cast<int64_t>(i)));
    ++counts.answered;
    VERGE_RETURN_IF_ERROR(take(answered, pictures[i].image));
  }
  return {};
}

Result<PictureAnswer> PictureRunner::answer_of(const PreparedPicture& picture,
                                               const std::vector<Tensor>& outputs, int64_t index) {
  const Tensor& output = outputs.front();
  PictureAnswer answer;
  answer.path = picture.path;
  answer.height = picture.image.height;
  answer.width = picture.image.width;
  if (recipe_.task == Task::Classify) {
    answer.classes = likeliest(row_of(output, index), options_.top);
  } else if (recipe_.task == Task::Detect) {
    VERGE_TRY(answer.objects, objects_in(output, index, picture));
  } else {
    VERGE_TRY(answer.lines, lines_in(output, index, picture));
  }
  return answer;
}

Result<std::vector<Detection>> PictureRunner::objects_in(const Tensor& output, int64_t index,
                                                         const PreparedPicture& picture) const {
  const Shape& shape = output.shape();
  if (shape.rank() != 3) return wrong_output(output, "list of boxes [batch, boxes, scores]");
  VERGE_TRY(const Head head, head_of(shape[1], shape[2], std::ssize(recipe_.labels)));
  return in_picture(detections_of(head, row_of(output, index), recipe_.detection),
                    picture.placement, picture.image.height, picture.image.width);
}

Result<std::vector<TextLine>> PictureRunner::lines_in(const Tensor& output, int64_t index,
                                                      const PreparedPicture& picture) {
  const Shape& shape = output.shape();
  if (shape.rank() != 4 || shape[1] != 1) return wrong_output(output, "map of probabilities");
  const double scale_y = static_cast<double>(picture.shape.height) / static_cast<double>(shape[2]);
  const double scale_x = static_cast<double>(picture.shape.width) / static_cast<double>(shape[3]);
  std::vector<TextLine> lines;
  for (const TextRegion& region :
       text_regions(row_of(output, index), shape[2], shape[3], recipe_.text)) {
    TextLine line{.quad = region.quad, .text = {}, .confidence = region.confidence};
    for (Point& corner : line.quad) {
      corner = picture.placement.in_picture({corner.x * scale_x, corner.y * scale_y});
    }
    if (reader_) {
      VERGE_TRY(ReadText read, reader_->read(picture.image, line.quad));
      if (read.text.empty()) continue;
      line.text = std::move(read.text);
      line.confidence = read.confidence;
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> PictureRunner::reference_nodes() const {
  std::vector<std::string> nodes = network_->reference_nodes();
  if (reader_) {
    for (std::string& node : reader_->reference_nodes()) nodes.push_back(std::move(node));
  }
  return nodes;
}

std::vector<graph::PartitionReport> PictureRunner::partitions() const {
  std::vector<graph::PartitionReport> reports = network_->partitions();
  if (reader_) {
    for (auto& report : reader_->partitions()) reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace verge::serve
