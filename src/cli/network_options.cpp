#include <algorithm>
#include <charconv>

#include <verge/cli/network_options.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::cli {
namespace {

struct Pair {
  std::string name, value;
};

Result<Pair> split_pair(const char* option, const std::string& text, std::string_view example) {
  const size_t at = text.rfind('=');
  if (at != std::string::npos && at > 0 && at + 1 < text.size()) {
    return Pair{text.substr(0, at), text.substr(at + 1)};
  }
  return make_error(Code::InvalidArgument, "{} {}: give {}", option, text, example);
}

template <typename Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

Result<Shape> read_shape(const std::string& option, std::string_view text) {
  std::vector<int64_t> extents;
  for (bool goes_on = true; goes_on;) {
    const std::string_view part = text.substr(0, text.find('x'));
    int64_t extent = 0;
    if (!parse(part, extent) || extent < 1 || extents.size() == Shape::kMaxRank) {
      return make_error(Code::InvalidArgument,
                        "--shape {}: give up to {} extents from 1 on, as NAME=1x3x48x320", option,
                        Shape::kMaxRank);
    }
    extents.push_back(extent);
    goes_on = part.size() < text.size();
    if (goes_on) text.remove_prefix(part.size() + 1);
  }
  return Shape(std::span<const int64_t>(extents));
}

}  // namespace

bool is_network(const std::string& model) {
  return model.ends_with(".onnx");
}

void ShapeOptions::declare(Parser& parser) {
  parser
      .add_option("--shape", shapes,
                  "How large an input of a network is: NAME=1x3x48x320; may be repeated")
      .repeated();
  parser
      .add_option("--value", values,
                  "The value of an input that is a single integer: NAME=16000; may be repeated")
      .repeated();
}

Result<std::vector<onnx::InputBinding>> ShapeOptions::read() const {
  std::vector<onnx::InputBinding> bindings;
  for (const std::string& text : shapes) {
    VERGE_TRY(const Pair pair, split_pair("--shape", text, "NAME=1x3x48x320"));
    VERGE_TRY(const Shape shape, read_shape(text, pair.value));
    bindings.push_back({pair.name, shape, std::nullopt});
  }
  for (const std::string& text : values) {
    VERGE_TRY(const Pair pair, split_pair("--value", text, "NAME=16000"));
    double value = 0;
    if (!parse(pair.value, value)) {
      return make_error(Code::InvalidArgument, "--value {}: give a number", text);
    }
    const auto known = std::ranges::find(bindings, pair.name, &onnx::InputBinding::name);
    if (known != bindings.end()) {
      known->value = value;
    } else {
      bindings.push_back({pair.name, Shape{}, value});
    }
  }
  return bindings;
}

Result<std::vector<NamedArray>> read_arrays(const std::vector<std::string>& inputs) {
  std::vector<NamedArray> arrays;
  for (const std::string& text : inputs) {
    VERGE_TRY(const Pair pair, split_pair("--input", text, "NAME=FILE.npy"));
    VERGE_TRY(format::NpyArray array, format::read_npy(pair.value));
    arrays.push_back({pair.name, std::move(array)});
  }
  return arrays;
}

std::vector<onnx::InputBinding> bindings_of(const std::vector<NamedArray>& arrays) {
  std::vector<onnx::InputBinding> bindings;
  for (const NamedArray& entry : arrays) {
    const Tensor& tensor = entry.array.tensor;
    onnx::InputBinding binding{entry.name, tensor.shape(), std::nullopt};
    if (tensor.shape().count() == 1) binding.value = graph::load(tensor.view())[0];
    bindings.push_back(std::move(binding));
  }
  return bindings;
}

}  // namespace verge::cli
