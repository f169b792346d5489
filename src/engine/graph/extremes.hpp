#pragma once
// The larger and the smaller of two numbers, by the one rule of references and kernels: NaN if
// either is, as in NumPy; of equal ones the first.

namespace verge::graph {

template <typename T>
T larger(T a, T b) {
  return a >= b || a != a ? a : b;
}

template <typename T>
T smaller(T a, T b) {
  return a <= b || a != a ? a : b;
}

}  // namespace verge::graph
