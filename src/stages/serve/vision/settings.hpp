#pragma once
// VisionSettings: what is known of a network that looks at pictures, and from where: options of the
// command, a TOML file beside the model, the model's own metadata. What nobody says is assumed, and
// the assumption is said.

#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/stages/serve/vision/preprocess.hpp>

namespace verge::serve {

enum class Task {
  Classify,
  Detect,  // objects in boxes
  Text,    // where text is, and with a recogniser what it says
};

/// Of what Fit::Crop keeps: smaller shares make huge pictures of small ones.
constexpr double kLeastKept = 0.01;

struct VisionSettings {
  std::optional<Task> task = {};
  std::optional<std::array<int64_t, 2>> size = {};  // height, width
  std::optional<Fit> fit = {};
  std::optional<Filter> filter = {};
  std::optional<double> kept = {};
  std::optional<bool> is_bgr = {};
  std::optional<double> scale = {};
  std::optional<std::array<float, 3>> mean = {}, deviation = {};
  std::vector<std::string> labels = {};
  std::optional<double> confidence = {}, iou = {};

  /// Takes from `weaker` what is not set here.
  void fill_from(const VisionSettings& weaker);
};

/// Names as options and files write them: "classify", "stretch", "bilinear", "rgb". None for
/// others.
std::optional<Task> task_of(std::string_view name);
std::optional<Fit> fit_of(std::string_view name);
std::optional<Filter> filter_of(std::string_view name);
std::string_view name(Task task);
std::string_view name(Fit fit);

/// "224" or "480x640" (height x width). Fails with InvalidArgument; `what` names it.
Result<std::array<int64_t, 2>> size_of(std::string_view text, std::string_view what);
/// One number for all channels, or three.
Result<std::array<float, 3>> channel_values(std::span<const double> values, std::string_view what);

/// task, image-size, resize, filter, crop, channels, scale, mean, std, labels (an array, or a file
/// beside this one), confidence, iou: the names of the options. Fails with Malformed, naming file,
/// line and key.
Result<VisionSettings> read_settings(const std::string& path);

/// What Ultralytics' exporter writes: task, names, imgsz. Anything else is passed over.
VisionSettings settings_of_metadata(std::span<const std::pair<std::string, std::string>> metadata);

}  // namespace verge::serve
