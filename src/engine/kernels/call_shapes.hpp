#pragma once
// Small questions that the kernels of ops/ ask of a call.

#include <cstring>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/kernels/gemm.hpp>

namespace verge::kernels {

/// Whether all inputs and outputs that are there hold f32. Absent ones are views of f32.
inline bool all_f32(const graph::KernelCall& call) {
  for (const auto& views : {call.inputs, call.outputs}) {
    for (const TensorView& view : views) {
      if (view.dtype != DType::F32) return false;
    }
  }
  return true;
}

inline const float* f32(const graph::KernelCall& call, size_t input) {
  return call.has(input) ? call.in(input).as<float>() : nullptr;
}

inline float* f32_out(const graph::KernelCall& call, size_t output = 0) {
  return call.wants(output) ? call.out(output).as<float>() : nullptr;
}

/// The activation that a product applies to its result: the attribute of linear and conv2d.
inline Activation fused_activation(const graph::Attrs& attrs) {
  const std::string_view name = attrs.text("activation", "none");
  if (name == "relu") return Activation::Relu;
  if (name == "relu6") return Activation::Relu6;
  if (name == "silu") return Activation::Silu;
  if (name == "sigmoid") return Activation::Sigmoid;
  if (name == "hswish") return Activation::Hswish;
  if (name == "hsigmoid") return Activation::Hsigmoid;
  if (name == "gelu") return Activation::GeluTanh;
  if (name == "gelu_erf") return Activation::GeluErf;
  return Activation::None;
}

/// Fills an output with zeros if it is wanted; others may use it after a sync().
inline void clear_output(const graph::KernelCall& call, size_t output, Worker& worker) {
  if (!call.wants(output)) return;
  const auto [first, last] = worker.split(call.out(output).shape.count(), 16);
  std::memset(call.out(output).as<float>() + first, 0,
              static_cast<size_t>(last - first) * sizeof(float));
}

/// Copies input `input` to output 0, unless the planner gave them one memory; then everybody waits.
inline void copy_to_output(const graph::KernelCall& call, size_t input, Worker& worker) {
  const TensorView &from = call.in(input), &to = call.out();
  if (from.data == to.data) return;
  const auto [first, last] = worker.split(to.bytes(), 64);
  std::memcpy(to.as<std::byte>() + first, from.as<const std::byte>() + first,
              static_cast<size_t>(last - first));
  worker.sync();
}

}  // namespace verge::kernels
