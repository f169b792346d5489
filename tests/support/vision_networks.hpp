#pragma once
// Small ONNX networks whose answers can be read off a picture.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <verge/engine/format/image/image.hpp>

#include "onnx_writer.hpp"

namespace verge::test {

inline OnnxMessage onnx_integers_attribute(std::string_view name,
                                           const std::vector<int64_t>& values) {
  OnnxMessage attribute = OnnxMessage().text(1, name).integer(20, 7);
  for (const int64_t value : values) attribute.integer(8, value);
  return attribute;
}

inline std::string onnx_with_metadata(
    const OnnxParts& parts, const std::vector<std::pair<std::string, std::string>>& metadata) {
  std::string file = onnx_file(parts);
  for (const auto& [key, value] : metadata) {
    file += OnnxMessage().message(14, OnnxMessage().text(1, key).text(2, value)).bytes();
  }
  return file;
}

/// Three classes, the scores the means of the channels. Extents below 0 are open.
inline OnnxParts colour_classifier(int64_t batch = -1, int64_t side = -1) {
  OnnxParts parts;
  parts.nodes = {onnx_node("GlobalAveragePool", {"x"}, {"p"}), onnx_node("Flatten", {"p"}, {"y"})};
  parts.inputs = {onnx_value("x", kOnnxFloat, {batch, 3, side, side})};
  parts.outputs = {onnx_value("y", kOnnxFloat, {batch, 3})};
  return parts;
}

/// [1, 4 + classes, boxes], whatever the picture.
inline OnnxParts fixed_detector(const std::vector<float>& head, int64_t rows, int64_t boxes,
                                int64_t side) {
  OnnxParts parts;
  parts.nodes = {onnx_node("ReduceMean", {"x"}, {"m"}),  // of all axes, which stay
                 onnx_node("Reshape", {"m", "one"}, {"r"}), onnx_node("Mul", {"r", "zero"}, {"z"}),
                 onnx_node("Add", {"z", "head"}, {"y"})};
  parts.constants = {onnx_tensor<int64_t>("one", kOnnxInt64, {3}, {1, 1, 1}),
                     onnx_tensor<float>("zero", kOnnxFloat, {1}, {0}),
                     onnx_tensor<float>("head", kOnnxFloat, {1, rows, boxes}, head)};
  parts.inputs = {onnx_value("x", kOnnxFloat, {1, 3, side, side})};
  parts.outputs = {onnx_value("y", kOnnxFloat, {1, rows, boxes})};
  return parts;
}

/// The map of text is the first channel.
inline OnnxParts first_channel_detector() {
  OnnxParts parts;
  parts.nodes = {onnx_node("Slice", {"x", "begin", "end", "axis"}, {"y"})};
  parts.constants = {onnx_tensor<int64_t>("begin", kOnnxInt64, {1}, {0}),
                     onnx_tensor<int64_t>("end", kOnnxInt64, {1}, {1}),
                     onnx_tensor<int64_t>("axis", kOnnxInt64, {1}, {1})};
  parts.inputs = {onnx_value("x", kOnnxFloat, {-1, 3, -1, -1})};
  parts.outputs = {onnx_value("y", kOnnxFloat, {-1, 1, -1, -1})};
  return parts;
}

/// A step each eight columns: the blank where it is blue, the first character where it is green,
/// the second where it is red.
inline OnnxParts colour_recogniser() {
  OnnxParts parts;
  parts.nodes = {
      onnx_node("AveragePool", {"x"}, {"p"},
                {onnx_integers_attribute("kernel_shape", {48, 8}),
                 onnx_integers_attribute("strides", {48, 8})}),
      onnx_node("Reshape", {"p", "to"}, {"r"}),
      onnx_node("Transpose", {"r"}, {"y"}, {onnx_integers_attribute("perm", {0, 2, 1})})};
  parts.constants = {onnx_tensor<int64_t>("to", kOnnxInt64, {3}, {0, 3, -1})};
  parts.inputs = {onnx_value("x", kOnnxFloat, {-1, 3, 48, -1})};
  parts.outputs = {onnx_value("y", kOnnxFloat, {-1, -1, 3})};
  return parts;
}

inline format::Image plain_picture(int64_t height, int64_t width, std::array<uint8_t, 3> colour) {
  format::Image image(height, width);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = colour[i % 3];
  return image;
}

}  // namespace verge::test
