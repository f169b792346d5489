#pragma once
// ImageNetwork: what a trained classifier's safetensors file says of itself, beside its tensors.

#include <string>

#include <verge/core/result.hpp>
#include <verge/engine/format/safetensors/reader.hpp>
#include <verge/engine/format/safetensors/writer.hpp>
#include <verge/engine/nn/cnn.hpp>

namespace verge::model {

/// Pixels [0, 255] become (p - mean) / deviation.
struct Normalization {
  float mean = 0;
  float deviation = 255;
};

struct ImageNetwork {
  nn::CnnConfig config;
  Normalization normalization;
  bool mirror = false;  // judges by the sum of the logits of an image and its mirror
};

/// Writes the keys verge.architecture and verge.cnn.*.
void describe_network(const ImageNetwork& network, format::SafetensorsWriter& writer,
                      std::string_view architecture = "cnn");

/// Reads them. Fails with Unsupported for the file of another kind of model, Malformed for a key
/// that is missing or no number; errors name the path.
Result<ImageNetwork> read_network(const format::Safetensors& file, const std::string& path);
/// The same of whatever architecture.
Result<ImageNetwork> read_facts(const format::Safetensors& file, const std::string& path);

}  // namespace verge::model
