// The TOML file beside a model.

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <toml++/toml.h>

#include <verge/core/file.hpp>
#include <verge/core/nearest_names.hpp>
#include <verge/stages/serve/vision/classify.hpp>
#include <verge/stages/serve/vision/settings.hpp>

namespace verge::serve {
namespace {

constexpr size_t kLargestSettings = 16 << 20;
const std::vector<std::string> kKeys = {"task",  "image-size", "resize",   "filter",
                                        "crop",  "mean",       "channels", "std",
                                        "scale", "labels",     "iou",      "confidence"};

class SettingsReader {
 public:
  SettingsReader(const std::string& path, VisionSettings& into) : path_(path), into_(into) {}

  Status take(std::string_view key, const toml::node& node) {
    key_ = key;
    line_ = node.source().begin.line;
    if (key == "task") return named(node, into_.task, task_of, "classify, detect or text");
    if (key == "resize") return named(node, into_.fit, fit_of, "stretch, crop or letterbox");
    if (key == "filter") return named(node, into_.filter, filter_of, "bilinear or nearest");
    if (key == "channels") {
      const auto is_bgr = [](std::string_view name) -> std::optional<bool> {
        if (name != "rgb" && name != "bgr") return std::nullopt;
        return name == "bgr";
      };
      return named(node, into_.is_bgr, is_bgr, "rgb or bgr");
    }
    if (key == "image-size") return size(node);
    if (key == "labels") return labels(node);
    if (key == "mean") return channels(node, into_.mean);
    if (key == "std") return deviation(node);
    if (key == "scale") return number(node, into_.scale);
    if (key == "crop") return share_kept(node);
    if (key == "confidence") return share(node, into_.confidence);
    if (key == "iou") return share(node, into_.iou);
    const std::vector<std::string> near = nearest_names(key, kKeys);
    return refuse(near.empty() ? fmt::format("is no key; known are {}", fmt::join(kKeys, ", "))
                               : fmt::format("is no key; near it: {}", fmt::join(near, ", ")));
  }

 private:
  Error refuse(std::string_view why) const {
    return make_error(Code::Malformed, "{}:{}: {}: {}", path_, line_, key_, why);
  }

  template <typename T, typename Read>
  Status named(const toml::node& node, std::optional<T>& value, Read read, const char* known) {
    const auto* text = node.as_string();
    if (text != nullptr) value = read(std::string_view(text->get()));
    if (value) return {};
    return refuse(fmt::format("give {}", known));
  }

  Status number(const toml::node& node, std::optional<double>& value) {
    if (node.is_number()) value = node.value<double>();
    if (value && *value > 0 && *value <= 1e6) return {};
    return refuse("give a number above 0");
  }

  Status share(const toml::node& node, std::optional<double>& value) {
    VERGE_RETURN_IF_ERROR(number(node, value));
    return *value <= 1 ? Status() : refuse("give a share from 0 to 1");
  }

  Status share_kept(const toml::node& node) {
    VERGE_RETURN_IF_ERROR(number(node, into_.kept));
    if (*into_.kept >= kLeastKept && *into_.kept <= 1) return {};
    return refuse(fmt::format("give a share from {} to 1", kLeastKept));
  }

  Status size(const toml::node& node) {
    const auto text = node.is_integer() ? std::optional(std::to_string(*node.value<int64_t>()))
                                        : node.value<std::string>();
    if (!text) return refuse("give a side, or \"HEIGHTxWIDTH\"");
    auto size = size_of(*text, "image-size");
    if (!size) return refuse(size.error().message);
    into_.size = *size;
    return {};
  }

  Status channels(const toml::node& node, std::optional<std::array<float, 3>>& value) {
    std::vector<double> numbers;
    if (node.is_number()) numbers.push_back(*node.value<double>());
    if (const auto* array = node.as_array()) {
      for (const auto& entry : *array) {
        numbers.push_back(entry.is_number() ? *entry.value<double>() : NAN);
      }
    }
    const auto is_finite = [](double x) { return std::isfinite(x); };
    const auto values = channel_values(numbers, "channels");
    if (!values || !std::ranges::all_of(numbers, is_finite)) {
      return refuse("give a number, or one for each of three channels");
    }
    value = *values;
    return {};
  }

  Status deviation(const toml::node& node) {
    VERGE_RETURN_IF_ERROR(channels(node, into_.deviation));
    if (std::ranges::count(*into_.deviation, 0.0f) == 0) return {};
    return refuse("nothing is divided by 0");
  }

  Status labels(const toml::node& node) {
    if (const auto file = node.value<std::string>()) {
      const auto folder = std::filesystem::path(path_).parent_path();
      VERGE_TRY(into_.labels, read_labels((folder / *file).string()));
      return {};
    }
    const auto* array = node.as_array();
    if (array == nullptr) return refuse("give an array of texts, or a file of them");
    for (const auto& entry : *array) {
      if (!entry.is_string()) return refuse("give an array of texts, or a file of them");
      into_.labels.push_back(*entry.value<std::string>());
    }
    return {};
  }

  const std::string& path_;
  VisionSettings& into_;
  std::string key_;
  uint32_t line_ = 0;
};

}  // namespace

Result<VisionSettings> read_settings(const std::string& path) {
  VERGE_TRY(const std::string text, read_whole_file(path, kLargestSettings));
  VisionSettings settings;
  SettingsReader reader(path, settings);
  try {
    const toml::table table = toml::parse(text, path);
    for (const auto& [key, node] : table) VERGE_RETURN_IF_ERROR(reader.take(key.str(), node));
  } catch (const toml::parse_error& error) {
    return make_error(Code::Malformed, "{}:{}: is no TOML: {}", path, error.source().begin.line,
                      error.description());
  }
  return settings;
}

}  // namespace verge::serve
