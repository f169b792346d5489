#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>

#include "onednn_cases.hpp"

namespace verge::backends {
namespace {

using graph::Attrs;
using graph::Builder;
using graph::ValueId;

using List = std::vector<int64_t>;

ValueId conv(Builder& b, ValueId x, int64_t in, int64_t out, int64_t kernel, Attrs attrs,
             ValueId residual = graph::kNone) {
  const int64_t groups = attrs.integer("groups", 1), pad = kernel / 2;
  const auto id = b.graph().values.size();
  attrs.set("pads", List{pad, pad, pad, pad});
  std::vector<ValueId> inputs = {
      x, b.param(fmt::format("w{}", id), {DType::F32, {out, in / groups, kernel, kernel}}),
      b.param(fmt::format("b{}", id), {DType::F32, {out}})};
  if (residual != graph::kNone) inputs.push_back(residual);
  return b.op("conv2d", inputs, std::move(attrs));
}

OneDnnCase residual_blocks() {
  Builder b("resnet");
  const Attrs relu = {{"activation", std::string("relu")}};
  const Attrs of_sum = {{"activation", std::string("relu")}, {"activate_sum", int64_t{1}}};
  ValueId x = conv(b, b.input("x", {DType::F32, {1, 3, 17, 15}}), 3, 24, 3, relu);
  for (int block = 0; block < 3; ++block) {
    const ValueId inner = conv(b, x, 24, 24, 3, relu);
    x = conv(b, inner, 24, 24, 3, of_sum, x);
    if (block == 1) b.output(x, "middle");  // which the next block may not overwrite
  }
  const ValueId pooled = b.op("global_avg_pool", {x});
  b.output(b.op("linear", {pooled, b.param("w", {DType::F32, {10, 24}})}), "y");
  return {"residual blocks", *b.finish()};
}

OneDnnCase inverted_blocks() {
  Builder b("mobilenet");
  const Attrs relu6 = {{"activation", std::string("relu6")}};
  const Attrs depthwise = {{"activation", std::string("relu6")}, {"groups", int64_t{48}}};
  ValueId x = conv(b, b.input("x", {DType::F32, {2, 3, 12, 12}}), 3, 16, 3, relu6);
  for (int block = 0; block < 3; ++block) {
    const ValueId wide = conv(b, x, 16, 48, 1, relu6);
    x = conv(b, conv(b, wide, 48, 48, 3, depthwise), 48, 16, 1, {}, x);
  }
  b.output(x, "y");
  return {"inverted residual blocks", *b.finish()};
}

// Two parts of one value, of a batch of one, as the head of a detector has them.
OneDnnCase two_slices() {
  Builder b("slices");
  const ValueId x = conv(b, b.input("x", {DType::F32, {1, 3, 6, 6}}), 3, 8, 3, {});
  const auto part = [&](int64_t start) {
    return b.op("slice", {x}, {{"axis", int64_t{1}}, {"start", start}, {"size", int64_t{4}}});
  };
  const ValueId first = part(0), second = part(4);
  const ValueId c = b.param("c", {DType::F32, {1, 4, 6, 6}});
  b.output(
      b.op("concat", {b.op("sub", {c, first}), b.op("add", {c, second})}, {{"axis", int64_t{1}}}),
      "y");
  return {"two slices", *b.finish()};
}

// What reads a value twice, through a view, or as its own residual.
OneDnnCase shared_values() {
  Builder b("shared");
  const ValueId x = b.input("x", {DType::F32, {1, 16, 6, 6}});
  const ValueId a = conv(b, x, 16, 16, 3, {});
  const ValueId self = conv(b, a, 16, 16, 1, {}, a);  // the residual is the input
  const ValueId flat = b.op("reshape", {self}, {{"dims", List{16, 36}}, {"symbols", List{-1, -1}}});
  const ValueId sum = conv(b, a, 16, 16, 3, {}, self);  // `flat` still needs what it reads
  const ValueId back = b.op("matmul", {flat, flat}, {{"transpose_b", int64_t{1}}});
  b.output(b.op("concat", {sum, a, x}, {{"axis", int64_t{1}}}), "y");
  b.output(back, "z");
  b.output(flat, "flat");
  return {"shared values", *b.finish()};
}

// What adds to a blocked layout by channel, and scales it by what it holds: squeeze and excite.
OneDnnCase broadcasts() {
  Builder b("broadcasts");
  ValueId x = conv(b, b.input("x", {DType::F32, {2, 3, 9, 8}}), 3, 24, 3, {});
  x = b.op("add", {x, b.param("shift", {DType::F32, {1, 24, 1, 1}})});
  x = conv(b, x, 24, 24, 3, {});
  x = b.op("mul", {b.param("factor", {DType::F32, {1, 24, 1, 1}}), x});
  ValueId gate = b.op("reduce_mean", {x}, {{"axes", List{2, 3}}, {"keep", int64_t{1}}});
  gate = conv(b, conv(b, gate, 24, 6, 1, {}), 6, 24, 1, {{"activation", std::string("sigmoid")}});
  x = b.op("mul", {x, gate});
  b.output(conv(b, x, 24, 10, 1, {}), "y");
  return {"broadcasts", *b.finish()};
}

// A mean that leaves its axis behind, whose result is an image: read by convolutions either way,
// as a residual, by a pool and a linear.
OneDnnCase reduced_images() {
  Builder b("reduced");
  const auto mean = [&](const char* name) {
    const ValueId x = b.input(name, {DType::F32, {1, 16, 10, 9, 16}});
    return b.op("reduce_mean", {x}, {{"axes", List{-1}}});
  };
  const ValueId a = mean("a"), c = mean("c");
  ValueId y = conv(b, a, 16, 16, 3, {}, c);
  y = conv(b, mean("d"), 16, 16, 3, {{"activation", std::string("relu")}}, y);
  const ValueId w = b.param("w", {DType::F32, {16, 8, 2, 2}});
  b.output(b.op("conv_transpose2d", {c, w}), "up");
  const ValueId flat = b.op("reduce_mean", {y}, {{"axes", List{2, 3}}});
  b.output(b.op("linear", {flat, b.param("v", {DType::F32, {5, 16}})}), "y");
  b.output(b.op("max_pool2d", {a}, {{"kernel", List{2, 2}}}), "pooled");
  return {"reduced images", dead_code(*b.finish())};
}

// The weight is an activation, and the residual as well: the sum may not overwrite it.
OneDnnCase weights_as_residuals(int64_t n) {
  Builder b("weights");
  const graph::Type type{DType::F32, {n, n}};
  const ValueId a = b.op("tanh", {b.input("a", type)});
  b.output(b.op("linear", {b.input("x", type), a, graph::kNone, a}), "y");
  return {fmt::format("a weight of {} as residual", n), *b.finish()};
}

OneDnnCase biases_as_residuals() {
  Builder b("biases");
  const ValueId a = b.op("tanh", {b.input("a", {DType::F32, {16}})});
  const ValueId row = b.op("reshape", {a}, {{"dims", List{1, 16}}, {"symbols", List{-1, -1}}});
  const ValueId x = b.input("x", {DType::F32, {1, 20}});
  b.output(b.op("linear", {x, b.param("w", {DType::F32, {16, 20}}), a, row}), "y");
  return {"a bias as residual", *b.finish()};
}

}  // namespace

std::vector<OneDnnCase> onednn_blocks() {
  std::vector<OneDnnCase> blocks;
  blocks.push_back(residual_blocks());
  blocks.push_back(inverted_blocks());
  blocks.push_back(shared_values());
  blocks.push_back(two_slices());
  blocks.push_back(broadcasts());
  blocks.push_back(reduced_images());
  for (const int64_t n : {4, 16, 64}) blocks.push_back(weights_as_residuals(n));
  blocks.push_back(biases_as_residuals());
  return blocks;
}

}  // namespace verge::backends
