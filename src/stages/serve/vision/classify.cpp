#include <cmath>
#include <numeric>

#include <nlohmann/json.hpp>

#include <verge/core/file.hpp>
#include <verge/stages/serve/vision/classify.hpp>

namespace verge::serve {
namespace {

constexpr size_t kLargestLabelFile = 16 << 20;
constexpr double kSumTolerance = 1e-2;  // of half-precision outputs
constexpr size_t kMostClasses = 1 << 20;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(std::move(line));
    begin = end + 1;
  }
  return lines;
}

Result<std::string> label_in(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array() && !value.empty() && value.back().is_string()) {
    return value.back().get<std::string>();
  }
  return make_error(Code::Malformed, "a label that is no text: {}", value.dump().substr(0, 40));
}

Result<std::vector<std::string>> labels_in(const nlohmann::json& json) {
  std::vector<std::string> labels;
  if (json.is_array()) {
    for (const auto& value : json) {
      VERGE_TRY(std::string label, label_in(value));
      labels.push_back(std::move(label));
    }
    return labels;
  }
  for (const auto& [key, value] : json.items()) {
    const bool is_number =
        !key.empty() && key.size() < 8 && key.find_first_not_of("0123456789") == std::string::npos;
    const size_t index = is_number ? std::stoul(key) : kMostClasses;
    if (index >= kMostClasses) {
      return make_error(Code::Malformed, "a key that is no class: \"{}\"", key.substr(0, 40));
    }
    if (index >= labels.size()) labels.resize(index + 1);
    VERGE_TRY(labels[index], label_in(value));
  }
  return labels;
}

}  // namespace

std::vector<double> probabilities_of(std::span<const float> scores) {
  std::vector<double> values(scores.begin(), scores.end());
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  const bool is_distribution =
      std::abs(sum - 1) <= kSumTolerance &&
      std::ranges::all_of(values, [](double value) { return value >= 0 && value <= 1; });
  if (is_distribution || values.empty()) return values;
  const double largest = *std::ranges::max_element(values);
  double total = 0;
  for (double& value : values) total += value = std::exp(value - largest);
  for (double& value : values) value /= total;
  return values;
}

std::vector<ClassScore> likeliest(std::span<const float> scores, int64_t count) {
  const std::vector<double> values = probabilities_of(scores);
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  const auto at = [&](int64_t i) {  // a NaN is no answer, and has no order
    const double value = values[static_cast<size_t>(i)];
    return std::isnan(value) ? -1 : value;
  };
  const auto middle = order.begin() + std::min<int64_t>(count, std::ssize(order));
  std::partial_sort(order.begin(), middle, order.end(),
                    [&](int64_t a, int64_t b) { return at(a) != at(b) ? at(a) > at(b) : a < b; });
  std::vector<ClassScore> best;
  for (auto i = order.begin(); i != middle; ++i) {
    best.push_back({*i, values[static_cast<size_t>(*i)]});
  }
  return best;
}

Result<std::vector<std::string>> read_lines(const std::string& path) {
  VERGE_TRY(const std::string text, read_whole_file(path, kLargestLabelFile));
  return lines_of(text);
}

Result<std::vector<std::string>> read_labels(const std::string& path) {
  VERGE_TRY(const std::string text, read_whole_file(path, kLargestLabelFile));
  const size_t begin = text.find_first_not_of(" \r\n\t");
  if (begin == std::string::npos || (text[begin] != '{' && text[begin] != '[')) {
    return lines_of(text);
  }
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    return make_error(Code::Malformed, "{}: begins as JSON and is none; give a label a line", path);
  }
  auto labels = labels_in(json);
  if (labels) return labels;
  return make_error(labels.error().code, "{}: {}; give a label a line", path,
                    labels.error().message);
}

std::string label_of(std::span<const std::string> labels, int64_t index) {
  const auto i = static_cast<size_t>(index);
  return i < labels.size() ? labels[i] : fmt::format("class {}", index);
}

}  // namespace verge::serve
