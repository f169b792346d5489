#pragma once
// Where text is, of a map of probabilities: the last step of Differentiable Binarization (Liao et
// al. 2020, section 3.6), with PaddleOCR's thresholds (ppocr/postprocess/db_postprocess.py).

#include <span>
#include <vector>

#include <verge/stages/serve/vision/quad.hpp>

namespace verge::serve {

struct TextRegionOptions {
  double threshold = 0.3;   // of a pixel
  double confidence = 0.6;  // of a region: the mean over it
  /// The map shows shrunken text: area * unclip / perimeter is added around. The paper adds 1.5;
  /// with 1.8 the recogniser sees all of descenders, and the spaces (tests/networks/pictures.mjs).
  double unclip = 1.8;
  int64_t most = 1000;
};

struct TextRegion {
  Quad quad = {};  // in pixels of the map
  double confidence = 0;
};

/// Regions of map [height, width], from the top down and then from the left.
std::vector<TextRegion> text_regions(std::span<const float> map, int64_t height, int64_t width,
                                     const TextRegionOptions& options);

}  // namespace verge::serve
