// AdamW as ops/adamw.cpp, in place, with both moments in 8 bits: blocks of 256 values, in the order
// of memory, share a scale, their largest magnitude. Dettmers et al. 2022. A quarter of the state.

#include <algorithm>
#include <cmath>

#include <verge/engine/graph/adamw_step.hpp>
#include <verge/engine/graph/dynamic_code.hpp>
#include <verge/engine/graph/optimizer.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: p, grad of one shape; m u8 like p (the highest bit is the sign), its scales [blocks];
// v u8 like p, its scales [blocks]; step i64 [] (1 for the first), lr [].
// Outputs: p', m', m's scales, v', v's scales, overwriting theirs.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(8));
  VERGE_RETURN_IF_ERROR(expect_update_shapes(context, {1, 2, 4}, 7));
  const Shape shape = context.graph.bound_shape(context.type(0));
  const Dims blocks = {(shape.count() + kMomentBlock - 1) / kMomentBlock};
  for (const size_t codes : {size_t{2}, size_t{4}}) {
    VERGE_RETURN_IF_ERROR(expect_dtype(context, codes, "moment", DType::U8));
    VERGE_RETURN_IF_ERROR(expect_dims(context, codes + 1, "scales", blocks));
  }
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 6, "step", DType::I64));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 6, "step", {}));
  for (const size_t i : {0, 2, 3, 4, 5}) context.outputs.push_back(context.type(i));
  return {};
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {25 * count, 16 * count};
}

// One moment: its codes and scales as numbers, block by block.
struct Moment {
  const DynamicCode& code;
  const bool has_sign;
  std::vector<double> codes, scales;

  std::vector<double> decode() const {
    std::vector<double> values(codes.size());
    for (size_t i = 0; i < values.size(); ++i) {
      const int byte = static_cast<int>(codes[i]);
      const int magnitude = has_sign ? byte & 0x7F : byte;
      const double sign = has_sign && (byte & 0x80) != 0 ? -1 : 1;
      values[i] = sign * code.decode(magnitude) * scales[i / kMomentBlock];
    }
    return values;
  }

  void encode(const std::vector<double>& values) {
    for (size_t begin = 0; begin < values.size(); begin += kMomentBlock) {
      const size_t end = std::min(values.size(), begin + kMomentBlock);
      double largest = 0;
      for (size_t i = begin; i < end; ++i) largest = std::max(largest, std::abs(values[i]));
      scales[begin / kMomentBlock] = largest;
      for (size_t i = begin; i < end; ++i) {
        const double share = largest > 0 ? std::abs(values[i]) / largest : 0;
        const int sign = has_sign && values[i] < 0 ? 0x80 : 0;
        codes[i] = code.encode(static_cast<float>(share)) | sign;
      }
    }
  }
};

void reference(const KernelCall& call) {
  Moment first{DynamicCode::of_signed(), true, load(call.in(2)), load(call.in(3))};
  Moment second{DynamicCode::of_unsigned(), false, load(call.in(4)), load(call.in(5))};
  std::vector<double> p = load(call.in(0)), m = first.decode(), v = second.decode();
  adamw_step(call.attrs, load(call.in(1)), load(call.in(6))[0], load(call.in(7))[0], p, m, v);
  first.encode(m);
  second.encode(v);
  store(call.out(0), p);
  store(call.out(1), first.codes);
  store(call.out(2), first.scales);
  store(call.out(3), second.codes);
  store(call.out(4), second.scales);
}

}  // namespace

OpDef adamw_8bit() {
  return {.name = "adamw_8bit",
          .infer = infer,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, true}, {1, 2, true}, {2, 3, true}, {3, 4, true}, {4, 5, true}}};
}

}  // namespace verge::graph::ops
