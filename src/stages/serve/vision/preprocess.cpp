#include <cmath>
#include <cstring>

#include <verge/stages/serve/vision/preprocess.hpp>

namespace verge::serve {
namespace {

constexpr uint8_t kPadding = 114;  // Ultralytics' grey
constexpr int64_t kMostScaledPixels = 1 << 27;

struct Placed {
  Image image;
  Placement placement;
};

int64_t rounded(double extent) {
  return std::max<int64_t>(std::llround(extent), 1);
}

double ratio(int64_t a, int64_t b) {
  return static_cast<double>(a) / static_cast<double>(b);
}

Placed letterbox(const Image& image, const PictureShape& shape, Filter filter) {
  const double scale = std::min(ratio(shape.height, image.height), ratio(shape.width, image.width));
  const int64_t height = rounded(static_cast<double>(image.height) * scale);
  const int64_t width = rounded(static_cast<double>(image.width) * scale);
  const Image inner = resize(image, height, width, filter);
  const int64_t top = (shape.height - height) / 2, left = (shape.width - width) / 2;
  Image out(shape.height, shape.width);
  std::ranges::fill(out.pixels, kPadding);
  for (int64_t y = 0; y < height; ++y) {
    std::memcpy(out.at(top + y, left), inner.at(y, 0), static_cast<size_t>(width * 3));
  }
  return {std::move(out),
          {ratio(width, image.width), ratio(height, image.height), static_cast<double>(left),
           static_cast<double>(top)}};
}

struct Extents {
  int64_t height = 0, width = 0;
};

// Of the copy that a crop is cut out of. As torchvision: the longer side is cut to a whole number.
Extents scaled_to_crop(const Image& image, const PictureShape& shape, const Preprocessing& how) {
  const double scale = std::max(ratio(shape.height, image.height) / how.kept,
                                ratio(shape.width, image.width) / how.kept);
  const auto extent = [&](int64_t side, int64_t least) {
    return std::max(static_cast<int64_t>(static_cast<double>(side) * scale + 1e-6), least);
  };
  return {extent(image.height, shape.height), extent(image.width, shape.width)};
}

// Halves of the offset become even, as torchvision's.
Placed cropped(const Image& image, const PictureShape& shape, const Preprocessing& how) {
  const auto [height, width] = scaled_to_crop(image, shape, how);
  const Image whole = resize(image, height, width, how.filter);
  const int64_t top = std::llrint(static_cast<double>(height - shape.height) / 2);
  const int64_t left = std::llrint(static_cast<double>(width - shape.width) / 2);
  return {crop(whole, top, left, shape.height, shape.width),
          {ratio(width, image.width), ratio(height, image.height), -static_cast<double>(left),
           -static_cast<double>(top)}};
}

Placed placed(const Image& image, const Preprocessing& how, const PictureShape& shape) {
  if (how.fit == Fit::Letterbox) return letterbox(image, shape, how.filter);
  if (how.fit == Fit::Crop) return cropped(image, shape, how);
  return {resize(image, shape.height, shape.width, how.filter),
          {ratio(shape.width, image.width), ratio(shape.height, image.height), 0, 0}};
}

uint8_t grey_of(const uint8_t* rgb) {
  return static_cast<uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
}

}  // namespace

Status check_proportions(const Image& image, const Preprocessing& how, const PictureShape& shape) {
  if (how.fit != Fit::Crop) return {};
  const auto [height, width] = scaled_to_crop(image, shape, how);
  if (height <= kMostSide && width <= kMostSide && height * width <= kMostScaledPixels) return {};
  return make_error(
      Code::Unsupported,
      "a picture of {}x{} pixels is too narrow to be cut to {}x{}: its copy would have "
      "{}x{}; give --resize letterbox or stretch, or a part of the picture",
      image.width, image.height, shape.width, shape.height, width, height);
}

Placement prepare(const Image& image, const Preprocessing& how, const PictureShape& shape,
                  float* out) {
  const Placed ready = placed(image, how, shape);
  const int64_t area = shape.height * shape.width;
  for (int64_t c = 0; c < shape.channels; ++c) {
    const auto channel = static_cast<size_t>(c);
    float values[256];
    for (size_t i = 0; i < 256; ++i) {
      values[i] = (static_cast<float>(i) * how.scale - how.mean[channel]) / how.deviation[channel];
    }
    const int64_t begin = shape.is_channels_last ? c : c * area;
    const int64_t step = shape.is_channels_last ? shape.channels : 1;
    const int64_t source = how.is_bgr ? 2 - c : c;
    const uint8_t* rgb = ready.image.pixels.data();
    for (int64_t i = 0; i < area; ++i, rgb += 3) {
      out[begin + i * step] = values[shape.channels == 1 ? grey_of(rgb) : rgb[source]];
    }
  }
  return ready.placement;
}

}  // namespace verge::serve
