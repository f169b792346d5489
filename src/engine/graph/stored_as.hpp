#pragma once
// How one value is rounded when a tensor stores it.

#include <cmath>
#include <type_traits>

namespace verge::graph {

/// The value as a tensor of T keeps it: rounded to the nearest where T is an integer.
template <typename T>
T stored_as(double value) {
  return std::is_integral_v<T> ? static_cast<T>(std::llround(value)) : static_cast<T>(value);
}

}  // namespace verge::graph
