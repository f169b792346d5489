#include <algorithm>
#include <cmath>
#include <numeric>

#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/model/augment.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/image_csv.hpp>
#include <verge/engine/model/image_data.hpp>
#include <verge/engine/model/training_text.hpp>
#include <verge/engine/text/tokenizer.hpp>
#include <verge/stages/fit/tune/array_data.hpp>
#include <verge/stages/fit/tune/array_task.hpp>
#include <verge/stages/fit/tune/task_data.hpp>

namespace verge::fit {
namespace {

constexpr int64_t kHeldOutWindows = 40;

class ImageTask : public TaskData {
 public:
  ImageTask(model::ImageData data, const BaseModel& base, int64_t batch, uint64_t seed)
      : data_(std::move(data)),
        network_(base.network),
        input_(base.input),
        images_(base.images),
        has_classes_(base.has_classes()),
        batch_(batch),
        order_(data_.training.count(), batch, seed) {}

  void fill(int64_t pass, const Input& input) override {
    const auto chosen = order_.batch(pass);
    write(input, batch_, data_.training,
          [&](int64_t row) { return chosen[static_cast<size_t>(row)]; });
  }

  int64_t fill_held_out(int64_t batch, const Input& input) override {
    const int64_t count = std::min(batch_, data_.test.count() - batch * batch_);
    write(input, count, data_.test, [&](int64_t row) { return batch * batch_ + row; });
    return count;
  }

  // A squared error is of a whole batch.
  int64_t held_out_batches() const override {
    return (data_.test.count() + (has_classes_ ? batch_ - 1 : 0)) / batch_;
  }
  int32_t label(int64_t row) const override { return labels_[static_cast<size_t>(row)]; }
  int64_t passes_per_epoch() const override { return order_.passes_per_epoch(); }
  int64_t samples_per_pass() const override { return batch_; }
  const char* unit() const override { return "images"; }
  std::string checksum() const override { return data_.checksum; }

 private:
  // Rows past `count` have no label, which takes them out of the loss.
  template <typename Index>
  void write(const Input& input, int64_t count, const model::ImageSet& set, Index index) {
    const nn::CnnConfig& config = network_.config;
    const int64_t area = config.height * config.width;
    const TensorView& to = input(images_);
    labels_.assign(static_cast<size_t>(batch_), -1);
    for (int64_t row = 0; row < count; ++row) {
      const auto image = set.image(index(row));
      for (int64_t channel = 0; channel < config.channels; ++channel) {
        const int64_t at = (row * config.channels + channel) * area;
        if (to.dtype == DType::I8) {
          write_levels(image, to.as<int8_t>() + at);
        } else {
          model::normalize(network_.normalization, image, to.as<float>() + at);
        }
      }
      labels_[static_cast<size_t>(row)] = set.labels[static_cast<size_t>(index(row))];
    }
    if (has_classes_) {
      std::ranges::copy(labels_, input("labels").span<int32_t>().begin());
    } else {
      write_targets(to, input("targets"));
    }
  }

  // The images themselves, or their classes as numbers.
  void write_targets(const TensorView& images, const TensorView& targets) const {
    if (targets.shape == images.shape) {
      std::ranges::copy(images.span<const float>(), targets.span<float>().begin());
    } else {
      std::ranges::copy(labels_, targets.span<float>().begin());
    }
  }

  void write_levels(std::span<const uint8_t> image, int8_t* levels) const {
    const auto& [mean, deviation] = network_.normalization;
    for (size_t i = 0; i < image.size(); ++i) {
      const float value = (static_cast<float>(image[i]) - mean) / deviation;
      const float level = std::nearbyint(value / input_.scale) + static_cast<float>(input_.zero);
      levels[i] = static_cast<int8_t>(std::clamp(level, -128.0f, 127.0f));
    }
  }

  model::ImageData data_;
  model::ImageNetwork network_;
  nn::LevelForm input_;
  std::string images_;
  bool has_classes_;
  int64_t batch_;
  EpochOrder order_;
  std::vector<int32_t> labels_;
};

class TextTask : public TaskData {
 public:
  TextTask(const BaseShape& shape, uint64_t seed) : shape_(shape), seed_(seed) {}

  Status read(const BaseModel& base, const DataOptions& options) {
    VERGE_TRY(const model::TrainingText text,
              model::read_training_text(options.paths, options.held_out));
    VERGE_TRY(text::Vocabulary vocabulary, model::read_vocabulary(*base.source));
    VERGE_TRY(const auto tokenizer, text::make_tokenizer(std::move(vocabulary)));
    training_ = tokenizer->encode(text.training());
    held_out_ = tokenizer->encode(text.held_out());
    checksum_ = text.sha;
    if (std::ssize(training_) > shape_.tokens && std::ssize(held_out_) > shape_.tokens) return {};
    return make_error(Code::InvalidArgument,
                      "the text gives {} tokens of training and {} of held-out text, windows of {} "
                      "need more; add text or compile for smaller --tokens",
                      training_.size(), held_out_.size(), shape_.tokens);
  }

  void fill(int64_t pass, const Input& input) override { draw(training_, seed_, pass, input); }
  int64_t fill_held_out(int64_t batch, const Input& input) override {
    draw(held_out_, 0, batch, input);
    const auto targets = input("targets").span<int32_t>();
    targets_.assign(targets.begin(), targets.end());
    return shape_.batch * shape_.tokens;
  }
  int64_t held_out_batches() const override {
    return std::max<int64_t>(1, kHeldOutWindows / shape_.batch);
  }
  int32_t label(int64_t row) const override { return targets_[static_cast<size_t>(row)]; }
  int64_t passes_per_epoch() const override {
    return std::max<int64_t>(1, std::ssize(training_) / samples_per_pass());
  }
  int64_t samples_per_pass() const override { return shape_.batch * shape_.tokens; }
  const char* unit() const override { return "tokens"; }
  std::string checksum() const override { return checksum_; }

 private:
  void draw(const std::vector<int32_t>& tokens, uint64_t seed, int64_t step, const Input& input) {
    const auto positions = input("positions").span<int32_t>();
    std::iota(positions.begin(), positions.end(), 0);
    model::draw_batch(tokens, seed, step, shape_.tokens, input("tokens").span<int32_t>(),
                      input("targets").span<int32_t>());
  }

  BaseShape shape_;
  uint64_t seed_;
  std::vector<int32_t> training_, held_out_, targets_;
  std::string checksum_;
};

// Whether a folder of pictures says what the network shall give for each.
Status expect_pictures(const BaseModel& base, const DataOptions& options) {
  const auto type_of = [&](std::string_view name) -> const graph::Type& {
    return base.graph.value(base.graph.find(name)).type;
  };
  std::string needed;
  for (const onnx::Port& port : base.inputs) needed += array_file_name(port.name) + ", ";
  needed += base.has_classes() ? "labels.npy" : "target.npy";
  if (!base.takes_pictures()) {
    return make_error(Code::InvalidArgument,
                      "{}: no arrays; {} is trained on a folder of {}, the first axis of each the "
                      "samples",
                      options.paths.empty() ? "--data" : options.paths[0], base.path, needed);
  }
  const bool has_numbers = !base.has_classes() && type_of("targets").dims.size() == 2 &&
                           type_of("targets").dims[1] == graph::Dim(1);
  const bool fits = base.has_classes() ? type_of(kLogits).dims.size() == 2
                                       : has_numbers || type_of("targets") == type_of(base.images);
  if (fits) return {};
  return make_error(
      Code::Unsupported, "{}: pictures say nothing of an output of {}; give a folder of {}",
      base.path,
      graph::show_dims(base.graph, type_of(base.has_classes() ? kLogits : kPrediction).dims),
      needed);
}

Result<std::unique_ptr<TaskData>> open_images(const BaseModel& base, const BaseShape& shape,
                                              const DataOptions& options) {
  VERGE_RETURN_IF_ERROR(expect_pictures(base, options));
  if (options.paths.size() != 1) {
    return make_error(Code::InvalidArgument, "{} places of images; give one folder or CSV file",
                      options.paths.size());
  }
  VERGE_TRY(model::ImageData data, model::read_image_data(options.paths[0]));
  const nn::CnnConfig& config = base.network.config;
  data.training = model::resized(data.training, config.height, config.width);
  data.test = model::resized(data.test, config.height, config.width);
  if (options.training_images > 0 && options.training_images < data.training.count()) {
    const auto count = static_cast<size_t>(options.training_images);
    data.training.labels.resize(count);
    data.training.pixels.resize(count * static_cast<size_t>(config.height * config.width));
  }
  const int64_t least_test = base.has_classes() ? 1 : shape.batch;
  if (data.training.count() < shape.batch || data.test.count() < least_test) {
    return make_error(Code::InvalidArgument,
                      "{}: {} training and {} test images for batches of {}; compile for a smaller "
                      "--batch",
                      options.paths[0], data.training.count(), data.test.count(), shape.batch);
  }
  for (const model::ImageSet* set : {&data.training, &data.test}) {
    const int32_t largest = *std::ranges::max_element(set->labels);
    if (largest < config.classes || !base.has_classes()) continue;
    return make_error(Code::InvalidArgument, "{}: class {}, the network tells {} apart",
                      options.paths[0], largest, config.classes);
  }
  return std::unique_ptr<TaskData>(
      std::make_unique<ImageTask>(std::move(data), base, shape.batch, options.seed));
}

}  // namespace

std::span<const int32_t> EpochOrder::batch(int64_t pass) {
  const int64_t epoch = pass / passes_per_epoch();
  if (epoch != epoch_) {
    order_ = model::shuffled(samples_, seed_, epoch);
    epoch_ = epoch;
  }
  return std::span(order_).subspan(static_cast<size_t>(pass % passes_per_epoch() * batch_),
                                   static_cast<size_t>(batch_));
}

Result<std::unique_ptr<TaskData>> open_task_data(const BaseModel& base, const BaseShape& shape,
                                                 const DataOptions& options) {
  const bool takes_arrays = base.kind == BaseKind::Onnx && are_arrays(options.paths);
  if (!options.evaluation.empty() && !takes_arrays) {
    return make_error(Code::InvalidArgument,
                      "--eval is of ONNX networks that are trained on arrays; leave it out");
  }
  if (!base.is_language_model() && !takes_arrays) return open_images(base, shape, options);
  if (!(options.held_out > 0 && options.held_out < 1)) {
    return make_error(Code::InvalidArgument, "--held-out {}: give a share above 0, below 1",
                      options.held_out);
  }
  if (takes_arrays) return open_array_task(base, shape, options);
  auto task = std::make_unique<TextTask>(shape, options.seed);
  VERGE_RETURN_IF_ERROR(task->read(base, options));
  return std::unique_ptr<TaskData>(std::move(task));
}

}  // namespace verge::fit
