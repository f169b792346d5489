#include <charconv>

#include <verge/stages/serve/vision/settings.hpp>

namespace verge::serve {
namespace {

constexpr int64_t kMostExtent = 16384;

template <typename T>
void fill(std::optional<T>& value, const std::optional<T>& weaker) {
  if (!value) value = weaker;
}

template <typename T>
using Names = std::pair<std::string_view, T>;
constexpr Names<Task> kTasks[] = {
    {"classify", Task::Classify}, {"detect", Task::Detect}, {"text", Task::Text}};
constexpr Names<Fit> kFits[] = {
    {"stretch", Fit::Stretch}, {"crop", Fit::Crop}, {"letterbox", Fit::Letterbox}};
constexpr Names<Filter> kFilters[] = {{"bilinear", Filter::Bilinear}, {"nearest", Filter::Nearest}};

template <typename T, size_t N>
std::optional<T> value_of(const Names<T> (&names)[N], std::string_view name) {
  for (const auto& [known, value] : names) {
    if (known == name) return value;
  }
  return std::nullopt;
}

template <typename T, size_t N>
std::string_view name_of(const Names<T> (&names)[N], T value) {
  for (const auto& [name, known] : names) {
    if (known == value) return name;
  }
  return "";
}

// Python's repr of a dict of names: {0: 'person', 1: "traffic light"}. Stops at what it is not.
std::vector<std::string> names_of_python(std::string_view text) {
  std::vector<std::string> names;
  for (size_t at = text.find_first_of("'\""); at != std::string_view::npos;
       at = text.find_first_of("'\"", at)) {
    const char quote = text[at++];
    std::string name;
    for (; at < text.size() && text[at] != quote; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) ++at;
      name += text[at];
    }
    if (at >= text.size()) return {};
    names.push_back(std::move(name));
    ++at;
  }
  return names;
}

// "[640, 480]": height and width.
std::optional<std::array<int64_t, 2>> size_of_python(std::string_view text) {
  std::array<int64_t, 2> size{};
  for (int64_t& extent : size) {
    text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
    if (error != std::errc() || extent < 1 || extent > kMostExtent) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
  }
  return size;
}

}  // namespace

void VisionSettings::fill_from(const VisionSettings& weaker) {
  fill(task, weaker.task);
  fill(size, weaker.size);
  fill(fit, weaker.fit);
  fill(filter, weaker.filter);
  fill(kept, weaker.kept);
  fill(is_bgr, weaker.is_bgr);
  fill(scale, weaker.scale);
  fill(mean, weaker.mean);
  fill(deviation, weaker.deviation);
  fill(confidence, weaker.confidence);
  fill(iou, weaker.iou);
  if (labels.empty()) labels = weaker.labels;
}

std::optional<Task> task_of(std::string_view name) {
  return value_of(kTasks, name);
}

std::optional<Fit> fit_of(std::string_view name) {
  return value_of(kFits, name);
}

std::optional<Filter> filter_of(std::string_view name) {
  return value_of(kFilters, name);
}

std::string_view name(Task task) {
  return name_of(kTasks, task);
}

std::string_view name(Fit fit) {
  return name_of(kFits, fit);
}

Result<std::array<int64_t, 2>> size_of(std::string_view text, std::string_view what) {
  const size_t cross = text.find('x');
  const std::string_view parts[] = {
      text.substr(0, cross), cross == std::string_view::npos ? text : text.substr(cross + 1)};
  std::array<int64_t, 2> size{};
  for (size_t i = 0; i < 2; ++i) {
    const char* end = parts[i].data() + parts[i].size();
    const auto [stop, error] = std::from_chars(parts[i].data(), end, size[i]);
    if (error == std::errc() && stop == end && size[i] >= 1 && size[i] <= kMostExtent) continue;
    return make_error(Code::InvalidArgument,
                      "{} {}: give a side or HEIGHTxWIDTH, each from 1 to {}", what, text,
                      kMostExtent);
  }
  return size;
}

Result<std::array<float, 3>> channel_values(std::span<const double> values, std::string_view what) {
  if (values.size() != 1 && values.size() != 3) {
    return make_error(Code::InvalidArgument, "{}: {} numbers; give one, or one for each channel",
                      what, values.size());
  }
  std::array<float, 3> all{};
  for (size_t c = 0; c < 3; ++c) all[c] = static_cast<float>(values[values.size() == 1 ? 0 : c]);
  return all;
}

VisionSettings settings_of_metadata(std::span<const std::pair<std::string, std::string>> metadata) {
  VisionSettings settings;
  for (const auto& [key, value] : metadata) {
    if (key == "task") settings.task = task_of(value);
    if (key == "names") settings.labels = names_of_python(value);
    if (key == "imgsz") settings.size = size_of_python(value);
  }
  if (settings.task && !settings.labels.empty()) {  // of Ultralytics: pixels from 0 to 1
    settings.fit = settings.task == Task::Classify ? Fit::Crop : Fit::Letterbox;
    settings.kept = 1;
    settings.scale = 1.0 / 255;
    settings.is_bgr = false;
  }
  return settings;
}

}  // namespace verge::serve
