#pragma once
// What libvips decoded and resized: JSON written by bench/peers/pictures/capture.mjs.

#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include <verge/engine/format/image/image.hpp>

#include "paths.hpp"

namespace verge::test {

inline std::string base64_bytes(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t digit = digits.find(c);
    if (digit == std::string::npos) break;  // "="
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

inline nlohmann::json captured_json(const std::string& path) {
  std::ifstream in(source_file(path));
  return nlohmann::json::parse(in);
}

/// Of an object with height, width and rgb.
inline format::Image captured_image(const nlohmann::json& entry) {
  format::Image image(entry.at("height"), entry.at("width"));
  const std::string rgb = base64_bytes(entry.at("rgb"));
  image.pixels.assign(rgb.begin(), rgb.end());
  return image;
}

/// The largest difference of a channel.
inline int largest_difference(const format::Image& a, const format::Image& b) {
  if (a.height != b.height || a.width != b.width || a.pixels.size() != b.pixels.size()) return 256;
  int largest = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  }
  return largest;
}

}  // namespace verge::test
