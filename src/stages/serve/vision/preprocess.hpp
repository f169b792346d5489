#pragma once
// From a picture to what a network takes: size, channels, range, layout; and the way back for
// coordinates.

#include <array>
#include <optional>
#include <string>

#include <verge/core/result.hpp>
#include <verge/stages/serve/vision/resize.hpp>

namespace verge::serve {

/// How a picture of other proportions becomes the network's size.
enum class Fit {
  Stretch,    // each way by itself
  Crop,       // the shorter side by `kept`, then the middle (torchvision's classifiers)
  Letterbox,  // whole, in the middle, the rest grey (Ultralytics)
};

struct Preprocessing {
  Fit fit = Fit::Stretch;
  Filter filter = Filter::Bilinear;
  double kept = 1;      // Crop: the share of the shorter side that is kept, 0.875 for 224 of 256
  bool is_bgr = false;  // networks of OpenCV's and Paddle's making
  float scale = 1.0f / 255;
  std::array<float, 3> mean = {0, 0, 0};  // (pixel * scale - mean) / deviation, in the order of the
  std::array<float, 3> deviation = {1, 1, 1};  // network's channels
};

/// An input of a network, one picture of it.
struct PictureShape {
  int64_t channels = 3, height = 0, width = 0;  // channels: 1 (grey) or 3
  bool is_channels_last = false;

  int64_t count() const { return channels * height * width; }
};

struct Point {
  double x = 0, y = 0;
};

/// Where a picture lies in the input: input = picture * scale + offset.
struct Placement {
  double scale_x = 1, scale_y = 1, left = 0, top = 0;

  Point in_picture(Point input) const {
    return {(input.x - left) / scale_x, (input.y - top) / scale_y};
  }
};

/// Unsupported for a picture so long and narrow that the copy of it which `shape` would be cut out
/// of exceeds 2^27 pixels.
Status check_proportions(const Image& image, const Preprocessing& how, const PictureShape& shape);

/// Writes shape.count() values. The proportions must have been checked. Grey is ITU-R BT.601's, as
/// Pillow rounds it.
Placement prepare(const Image& image, const Preprocessing& how, const PictureShape& shape,
                  float* out);

}  // namespace verge::serve
