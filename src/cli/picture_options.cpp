#include <verge/cli/picture_options.hpp>

namespace verge::cli {
namespace {

// A picture that is read takes a core for a while; two keep most networks busy.
constexpr int kReaders = 2;

std::optional<double> said(double value) {
  return value > 0 ? std::optional(value) : std::nullopt;
}

Result<serve::VisionSettings> settings_in(const PictureRunOptions& options) {
  serve::VisionSettings settings;
  if (!options.task.empty()) settings.task = serve::task_of(options.task);
  if (!options.resize.empty()) settings.fit = serve::fit_of(options.resize);
  if (!options.filter.empty()) settings.filter = serve::filter_of(options.filter);
  if (!options.channels.empty()) settings.is_bgr = options.channels == "bgr";
  if (!options.image_size.empty()) {
    VERGE_TRY(settings.size, serve::size_of(options.image_size, "--image-size"));
  }
  if (!options.mean.empty()) {
    VERGE_TRY(settings.mean, serve::channel_values(options.mean, "--mean"));
  }
  if (!options.deviation.empty()) {
    VERGE_TRY(settings.deviation, serve::channel_values(options.deviation, "--std"));
    const bool is_zero = std::ranges::count(*settings.deviation, 0.0f) > 0;
    if (is_zero) return make_error(Code::InvalidArgument, "--std: nothing is divided by 0");
  }
  if (!options.labels.empty()) {
    VERGE_TRY(settings.labels, serve::read_labels(options.labels));
  }
  settings.kept = said(options.crop);
  settings.scale = said(options.scale);
  settings.confidence = said(options.confidence);
  settings.iou = said(options.iou);
  if (options.settings.empty()) return settings;
  VERGE_TRY(const serve::VisionSettings written, serve::read_settings(options.settings));
  settings.fill_from(written);
  return settings;
}

}  // namespace

void PictureRunOptions::declare(Parser& parser) {
  const auto add = [&](const char* name, auto& value, const char* text) {
    return parser.add_option(name, value, text).group("Pictures");
  };
  parser.add_option("PICTURES", files,
                    "Of a network: pictures (JPEG, PNG, WebP) and folders of them");
  add("--task", task, "What the network does, where its output does not show it")
      .one_of({"classify", "detect", "text"});
  add("--image-size", image_size,
      "Of the network's input: a side or HEIGHTxWIDTH; of text, the longest side");
  add("--resize", resize, "How a picture becomes that size")
      .one_of({"stretch", "crop", "letterbox"});
  add("--filter", filter, "By which pixels are mixed").one_of({"bilinear", "nearest"});
  add("--crop", crop, "Of --resize crop: the share of the shorter side that is kept")
      .not_negative();
  add("--channels", channels, "Their order in the network's input").one_of({"rgb", "bgr"});
  add("--scale", scale, "Pixels of 0 to 255 are multiplied by this; 1/255 if not said")
      .not_negative();
  add("--mean", mean, "Taken off each channel after that: one number or three, by commas")
      .separated_by(',');
  add("--std", deviation, "Then each channel is divided by this").separated_by(',');
  add("--labels", labels, "File of class names: one a line, or JSON");
  add("--settings", settings,
      "TOML file of these options; NET.toml beside the network is read as well");
  add("--top", run.top, "Classes to print").positive();
  add("--confidence", confidence, "Least of a box (0.25) or a region of text (0.6)").not_negative();
  add("--iou", iou, "Boxes of a class that overlap by more are one (0.45)").not_negative();
  add("--recognizer", run.reader.recognizer, "Network that reads the text that was found");
  add("--characters", run.reader.characters, "Its characters, one a line");
  add("--classifier", run.reader.classifier, "Network that says which lines are upside down");
  add("--batch", run.batch, "Pictures of one run of the network").positive();
  add("--max-pixels", run.limits.most_pixels, "Larger pictures are refused before they are decoded")
      .positive();
}

Result<serve::PictureOptions> PictureRunOptions::read() const {
  if (run.reader.recognizer.empty() != run.reader.characters.empty()) {
    return make_error(Code::InvalidArgument,
                      "--recognizer and --characters belong together; give both");
  }
  if (crop > 0 && crop < serve::kLeastKept) {
    return make_error(Code::InvalidArgument, "--crop {}: give a share from {} to 1", crop,
                      serve::kLeastKept);
  }
  if (crop > 1 || confidence > 1 || iou > 1) {
    return make_error(Code::InvalidArgument, "--crop, --confidence and --iou are at most 1");
  }
  serve::PictureOptions options = run;
  options.readers = kReaders;
  VERGE_TRY(options.settings, settings_in(*this));
  return options;
}

}  // namespace verge::cli
