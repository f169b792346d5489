#pragma once
// What the kernels of operators on levels share: how a call rounds its result.

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/kernels/conv_int8.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels {

inline Requantize requantize_of(const graph::Attrs& attrs) {
  const graph::Levels levels(attrs);
  return {.to = levels.to,
          .least = static_cast<float>(levels.low - levels.zero),
          .most = static_cast<float>(levels.high - levels.zero),
          .zero = levels.zero};
}

/// Of a product: bias (input 2) and multiplier (input 3) too.
inline Requantize requantize_of(const graph::KernelCall& call) {
  Requantize how = requantize_of(call.attrs);
  how.bias = call.has(2) ? call.in(2).as<int32_t>() : nullptr;
  how.multiplier = call.in(3).as<float>();
  return how;
}

inline const std::byte* bytes_in(const graph::KernelCall& call, size_t input) {
  return static_cast<const std::byte*>(call.in(input).data);
}

inline std::byte* bytes_out(const graph::KernelCall& call) {
  return static_cast<std::byte*>(call.out().data);
}

/// A level as an integer, less its zero.
inline int32_t level_at(const std::byte* levels, int64_t i, bool is_signed) {
  return is_signed ? static_cast<int8_t>(levels[i]) : static_cast<uint8_t>(levels[i]);
}

}  // namespace verge::kernels
