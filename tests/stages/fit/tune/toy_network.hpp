#pragma once
// A small classifier as a file of `verge train image`, and images that it can learn in seconds.

#include <string>

#include <verge/core/rng.hpp>
#include <verge/engine/format/safetensors/writer.hpp>
#include <verge/engine/nn/cnn.hpp>
#include <verge/stages/fit/tune/base_model.hpp>
#include <verge/stages/fit/tune/scheme_choice.hpp>

#include "temporary_folder.hpp"

namespace verge::fit {

inline nn::CnnConfig toy_config() {
  return {.channels = 1, .height = 8, .width = 8, .classes = 4, .stages = {{8}, {16, 16}}};
}

/// Random weights; the path.
inline std::string write_toy_network(const test::TemporaryFolder& folder, uint64_t seed = 1,
                                     const nn::CnnConfig& config = toy_config()) {
  format::SafetensorsWriter writer;
  model::describe_network({config, {60, 60}, false}, writer);
  std::vector<Tensor> tensors;
  for (const nn::CnnParameter& parameter : nn::cnn_parameters(config)) {
    Tensor& tensor = tensors.emplace_back(DType::F32, parameter.shape);
    Rng rng(seed, tensors.size() << 32);
    for (float& value : tensor.span<float>()) {
      value =
          static_cast<float>(parameter.mean) + static_cast<float>(parameter.stddev) * rng.normal();
    }
  }
  size_t i = 0;
  for (const nn::CnnParameter& parameter : nn::cnn_parameters(config)) {
    EXPECT_TRUE(writer.add(parameter.name, DType::F32, parameter.shape,
                           std::as_bytes(tensors[i++].span<float>())));
  }
  const std::string path = folder / fmt::format("toy{}.safetensors", seed);
  EXPECT_TRUE(writer.write(path));
  return path;
}

/// Images of 4x4 with a bright half, pixels 0..15, as a CSV file; the path.
inline std::string write_toy_images(const test::TemporaryFolder& folder, int count = 200) {
  std::string text;
  Rng rng(5);
  for (int i = 0; i < count; ++i) {
    const auto label = static_cast<int>(rng.below(4));
    for (int p = 0; p < 16; ++p) {
      const bool bright[] = {p / 4 < 2, p / 4 >= 2, p % 4 < 2, p % 4 >= 2};
      text += fmt::format("{},", (bright[label] ? 9 : 0) + rng.below(7));
    }
    text += fmt::format("{}\n", label);
  }
  folder.add("images.csv", text);
  return folder / "images.csv";
}

inline BaseModel toy_base(const test::TemporaryFolder& folder, int64_t batch = 8) {
  auto base = open_base_model(write_toy_network(folder), {.batch = batch});
  EXPECT_TRUE(base) << base.error().message;
  return std::move(*base);
}

/// Of the encoder in tests/support/bert_onnx.hpp on sentences of tests/support/array_files.hpp.
inline BaseShape sentence_shape(int64_t batch = 8) {
  return {.batch = batch, .inputs = {{"input_ids", Shape{batch, 4}, std::nullopt}}};
}

}  // namespace verge::fit
