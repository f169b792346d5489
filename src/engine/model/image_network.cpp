#include <algorithm>
#include <charconv>
#include <cmath>

#include <verge/engine/model/image_network.hpp>

namespace verge::model {
namespace {

constexpr std::string_view kArchitecture = "cnn";

// Stages by semicolons, widths by commas: "16;32,32;64,64".
std::string widths_text(const std::vector<std::vector<int64_t>>& stages) {
  std::string text;
  for (const auto& stage : stages) {
    text += fmt::format("{}{}", text.empty() ? "" : ";", fmt::join(stage, ","));
  }
  return text;
}

class Keys {
 public:
  Keys(const format::Safetensors& file, const std::string& path) : file_(file), path_(path) {}

  Result<std::string_view> text(std::string_view key) const {
    for (const auto& [name, value] : file_.metadata()) {
      if (name == key) return std::string_view(value);
    }
    return make_error(Code::Malformed, "{}: no {} in its metadata; write it by `verge train image`",
                      path_, key);
  }

  template <typename Number>
  Result<Number> number(std::string_view key) const {
    VERGE_TRY(const std::string_view value, text(key));
    return parse<Number>(key, value);
  }

  /// A size: from 1 to 2^16, so that products of a few cannot overflow.
  Result<int64_t> size(std::string_view key) const {
    VERGE_TRY(const std::string_view value, text(key));
    return parse_size(key, value);
  }

  Result<std::vector<std::vector<int64_t>>> widths(std::string_view key) const {
    VERGE_TRY(std::string_view rest, text(key));
    std::vector<std::vector<int64_t>> stages(1);
    while (!rest.empty()) {
      const size_t end = std::min(rest.find_first_of(",;"), rest.size());
      VERGE_TRY(const int64_t width, parse_size(key, rest.substr(0, end)));
      stages.back().push_back(width);
      if (end < rest.size() && rest[end] == ';') stages.emplace_back();
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return stages;
  }

 private:
  Result<int64_t> parse_size(std::string_view key, std::string_view value) const {
    VERGE_TRY(const auto size, parse<int64_t>(key, value));
    if (size >= 1 && size <= 1 << 16) return size;
    return make_error(Code::Malformed, "{}: {} has {}, sizes are from 1 to 65536; train it again",
                      path_, key, size);
  }

  template <typename Number>
  Result<Number> parse(std::string_view key, std::string_view value) const {
    Number number{};
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc() && end == value.data() + value.size()) return number;
    return make_error(Code::Malformed, "{}: {} is \"{}\", not a number; train it again", path_, key,
                      value);
  }

  const format::Safetensors& file_;
  const std::string& path_;
};

}  // namespace

void describe_network(const ImageNetwork& network, format::SafetensorsWriter& writer,
                      std::string_view architecture) {
  const nn::CnnConfig& config = network.config;
  writer.set_metadata("verge.architecture", std::string(architecture));
  writer.set_metadata("verge.cnn.channels", fmt::format("{}", config.channels));
  writer.set_metadata("verge.cnn.height", fmt::format("{}", config.height));
  writer.set_metadata("verge.cnn.width", fmt::format("{}", config.width));
  writer.set_metadata("verge.cnn.classes", fmt::format("{}", config.classes));
  writer.set_metadata("verge.cnn.stages", widths_text(config.stages));
  writer.set_metadata("verge.cnn.pixel_mean", fmt::format("{}", network.normalization.mean));
  writer.set_metadata("verge.cnn.pixel_deviation",
                      fmt::format("{}", network.normalization.deviation));
  writer.set_metadata("verge.cnn.mirror", network.mirror ? "1" : "0");
}

Result<ImageNetwork> read_network(const format::Safetensors& file, const std::string& path) {
  const Keys keys(file, path);
  VERGE_TRY(const std::string_view architecture, keys.text("verge.architecture"));
  if (architecture != kArchitecture) {
    return make_error(Code::Unsupported, "{}: a model of kind {}; give one by `verge train image`",
                      path, architecture);
  }
  return read_facts(file, path);
}

Result<ImageNetwork> read_facts(const format::Safetensors& file, const std::string& path) {
  const Keys keys(file, path);
  ImageNetwork network;
  nn::CnnConfig& config = network.config;
  VERGE_TRY(config.channels, keys.size("verge.cnn.channels"));
  VERGE_TRY(config.height, keys.size("verge.cnn.height"));
  VERGE_TRY(config.width, keys.size("verge.cnn.width"));
  VERGE_TRY(config.classes, keys.size("verge.cnn.classes"));
  VERGE_TRY(config.stages, keys.widths("verge.cnn.stages"));
  VERGE_TRY(network.normalization.mean, keys.number<float>("verge.cnn.pixel_mean"));
  VERGE_TRY(network.normalization.deviation, keys.number<float>("verge.cnn.pixel_deviation"));
  const auto& [mean, deviation] = network.normalization;
  if (!std::isfinite(mean)) {
    return make_error(Code::Malformed, "{}: verge.cnn.pixel_mean is {}; train it again", path,
                      mean);
  }
  if (!std::isfinite(deviation) || deviation <= 0) {
    return make_error(Code::Malformed,
                      "{}: verge.cnn.pixel_deviation is {}, it is above 0; train it again", path,
                      deviation);
  }
  VERGE_TRY(const auto mirror, keys.number<int>("verge.cnn.mirror"));
  network.mirror = mirror != 0;
  return network;
}

}  // namespace verge::model
