#pragma once
// The least and the largest value of an activation, as found by running samples.

#include <map>
#include <span>
#include <string>

namespace verge::nn {

/// 0 is always within.
struct ValueRange {
  float low = 0, high = 0;

  /// Passes over what is no finite number.
  void add(std::span<const float> values);
  float magnitude() const;
  bool operator==(const ValueRange&) const = default;
};
using ValueRanges = std::map<std::string, ValueRange>;  // by value

}  // namespace verge::nn
