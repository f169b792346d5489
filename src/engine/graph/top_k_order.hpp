#pragma once
// The order of top_k: a strict weak one over all values, what is no number being the largest.

#include <cmath>

namespace verge::graph {

template <typename T>
bool stands_before(T a, T b, bool largest_first) {
  const bool a_is_none = std::isnan(a), b_is_none = std::isnan(b);
  if (a_is_none || b_is_none)
    return largest_first ? a_is_none && !b_is_none : !a_is_none && b_is_none;
  return largest_first ? a > b : a < b;
}

}  // namespace verge::graph
