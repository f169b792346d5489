#pragma once
// What the kernels of attention and attention_grad share.

#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/call_shapes.hpp>

namespace verge::kernels {

/// The attention of a call whose first inputs are q, k and v; results are not set.
inline DenseAttention dense_attention_of(const graph::KernelCall& call) {
  const Shape &q = call.in(0).shape, &k = call.in(1).shape;
  return {.batch = q[0],
          .tokens = q[1],
          .heads = q[2],
          .kv_heads = k[2],
          .head_dim = q[3],
          .scale = static_cast<float>(call.attrs.real("scale", 1)),
          .causal = call.attrs.integer("causal") != 0,
          .q = f32(call, 0),
          .k = f32(call, 1),
          .v = f32(call, 2),
          .compute = call.attrs.text("compute") == "bf16" ? Compute::Bf16 : Compute::F32};
}

}  // namespace verge::kernels
