#include <cmath>

#include <verge/stages/serve/vision/recipe.hpp>

namespace verge::serve {
namespace {

constexpr int64_t kTextStep = 32;  // DB's networks halve the picture five times
constexpr int64_t kTextLongestSide = 960;
constexpr double kTorchvisionKept = 0.875;  // 224 of 256
constexpr std::array<float, 3> kImageNetMean = {0.485f, 0.456f, 0.406f};
constexpr std::array<float, 3> kImageNetDeviation = {0.229f, 0.224f, 0.225f};

class RecipeMaker {
 public:
  RecipeMaker(const VisionNetwork& network, VisionSettings settings)
      : network_(network), settings_(std::move(settings)) {}

  Result<VisionRecipe> make() {
    recipe_.input = network_.input();
    VERGE_RETURN_IF_ERROR(choose_task());
    VERGE_RETURN_IF_ERROR(choose_size());
    choose_fit();
    choose_range();
    recipe_.how.filter = settings_.filter.value_or(Filter::Bilinear);
    recipe_.labels = settings_.labels;
    if (settings_.confidence) {
      recipe_.detection.confidence = recipe_.text.confidence = *settings_.confidence;
    }
    if (settings_.iou) recipe_.detection.iou = *settings_.iou;
    return std::move(recipe_);
  }

 private:
  void assume(std::string what) { recipe_.assumed.push_back(std::move(what)); }

  Status choose_task() {
    if (settings_.task) {
      recipe_.task = *settings_.task;
      return {};
    }
    const int rank = network_.output_rank();
    if (rank < 2 || rank > 4) {
      return make_error(Code::InvalidArgument,
                        "its output has {}, which does not say what it does; give --task "
                        "classify, detect or text",
                        rank == 0 ? "no shape in the file" : fmt::format("{} axes", rank));
    }
    recipe_.task = rank == 2 ? Task::Classify : rank == 3 ? Task::Detect : Task::Text;
    assume(fmt::format("--task {}", name(recipe_.task)));
    return {};
  }

  Status choose_size() {
    PictureShape& shape = recipe_.input.shape;
    if (recipe_.task == Task::Text && shape.height == 0 && shape.width == 0) {
      const auto size = settings_.size.value_or(std::array{kTextLongestSide, kTextLongestSide});
      recipe_.longest_side = std::max({size[0], size[1], kTextStep});
      return {};
    }
    const int64_t usual = recipe_.task == Task::Classify ? 224 : 640;
    if (!settings_.size && (shape.height == 0 || shape.width == 0)) {
      assume(fmt::format("--image-size {}", usual));
    }
    const auto wanted = settings_.size.value_or(std::array{usual, usual});
    const bool is_other = settings_.size && ((shape.height > 0 && shape.height != wanted[0]) ||
                                             (shape.width > 0 && shape.width != wanted[1]));
    if (is_other) {
      return make_error(Code::InvalidArgument, "--image-size {}x{}, but the network takes {}x{}",
                        wanted[0], wanted[1], shape.height, shape.width);
    }
    if (shape.height == 0) shape.height = wanted[0];
    if (shape.width == 0) shape.width = wanted[1];
    return {};
  }

  void choose_fit() {
    const bool is_colour_class =
        recipe_.task == Task::Classify && recipe_.input.shape.channels == 3;
    recipe_.how.kept =
        std::min(settings_.kept.value_or(is_colour_class ? kTorchvisionKept : 1), 1.0);
    if (settings_.fit) {
      recipe_.how.fit = *settings_.fit;
      return;
    }
    recipe_.how.fit = Fit::Stretch;
    if (recipe_.task == Task::Detect) recipe_.how.fit = Fit::Letterbox;
    if (is_colour_class) recipe_.how.fit = Fit::Crop;
    assume(fmt::format("--resize {}", name(recipe_.how.fit)));
    if (is_colour_class && !settings_.kept) assume(fmt::format("--crop {}", recipe_.how.kept));
  }

  void choose_range() {
    const bool is_trained_on_photos =
        recipe_.task != Task::Detect && recipe_.input.shape.channels == 3;
    recipe_.how.is_bgr = settings_.is_bgr.value_or(recipe_.task == Task::Text);
    if (!settings_.is_bgr) assume(recipe_.how.is_bgr ? "--channels bgr" : "--channels rgb");
    recipe_.how.scale = static_cast<float>(settings_.scale.value_or(1.0 / 255));
    const bool takes_bytes = network_.takes_bytes();
    if (takes_bytes && !settings_.scale) recipe_.how.scale = 1;
    const bool is_said = settings_.mean || settings_.deviation || settings_.scale || takes_bytes;
    if (is_said || !is_trained_on_photos) {
      recipe_.how.mean = settings_.mean.value_or(std::array{0.0f, 0.0f, 0.0f});
      recipe_.how.deviation = settings_.deviation.value_or(std::array{1.0f, 1.0f, 1.0f});
      if (!is_said) assume("pixels from 0 to 1");
      return;
    }
    recipe_.how.mean = kImageNetMean;
    recipe_.how.deviation = kImageNetDeviation;
    assume("--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225");
  }

  const VisionNetwork& network_;
  VisionSettings settings_;
  VisionRecipe recipe_;
};

}  // namespace

PictureShape VisionRecipe::shape_for(int64_t height, int64_t width) const {
  PictureShape shape = input.shape;
  if (longest_side == 0) return shape;
  const double scale = std::min(
      1.0, static_cast<double>(longest_side) / static_cast<double>(std::max(height, width)));
  const auto extent = [&](int64_t side) {
    const double steps = static_cast<double>(side) * scale / kTextStep;
    return std::max<int64_t>(std::llround(steps), 1) * kTextStep;
  };
  shape.height = extent(height);
  shape.width = extent(width);
  return shape;
}

Result<VisionRecipe> recipe_for(const VisionNetwork& network, const VisionSettings& given) {
  VisionSettings settings = given;
  settings.fill_from(network.settings());
  return RecipeMaker(network, std::move(settings)).make();
}

}  // namespace verge::serve
