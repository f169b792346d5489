#pragma once
// MNIST's file format (LeCun et al. 1998, "The IDX file format"), for folders of small data.

#include <cstdint>
#include <string>

#include "temporary_folder.hpp"

namespace verge::test {

inline std::string idx_word(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

/// Images whose pixels count up, over all of them.
inline std::string idx_images(uint32_t count, uint32_t height, uint32_t width) {
  std::string file = idx_word(0x803) + idx_word(count) + idx_word(height) + idx_word(width);
  for (uint32_t i = 0; i < count * height * width; ++i) file += static_cast<char>(i);
  return file;
}

inline std::string idx_labels(const std::string& values) {
  return idx_word(0x801) + idx_word(static_cast<uint32_t>(values.size())) + values;
}

/// The four files of a data set.
inline void add_idx_files(const TemporaryFolder& folder, uint32_t height, uint32_t width,
                          const std::string& training, const std::string& test) {
  const auto count = [](const std::string& labels) { return static_cast<uint32_t>(labels.size()); };
  folder.add("train-images-idx3-ubyte", idx_images(count(training), height, width));
  folder.add("train-labels-idx1-ubyte", idx_labels(training));
  folder.add("t10k-images-idx3-ubyte", idx_images(count(test), height, width));
  folder.add("t10k-labels-idx1-ubyte", idx_labels(test));
}

}  // namespace verge::test
