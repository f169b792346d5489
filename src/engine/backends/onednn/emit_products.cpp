#include <algorithm>

#include <verge/engine/backends/onednn/emit.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::backends::onednn {
namespace {

using graph::kNone;
using graph::Node;
using graph::ValueId;

ValueId input_of(const Node& node, size_t i) {
  return i < node.inputs.size() ? node.inputs[i] : kNone;
}

// y = post ops of a product, some of which read the residual.
struct Product {
  const Node& node;
  std::vector<PostOp> post_ops = {};
  ValueId residual = kNone;  // placed in the extents of the product
};

Product product_of(const Node& node) {
  Product product{node};
  product.residual = input_of(node, 3);
  const PostOp sum{PostOp::Kind::Sum, dnnl_alg_kind_undef, 0, 0};
  const bool of_sum = node.attrs.integer("activate_sum") != 0;
  if (product.residual != kNone && of_sum) product.post_ops.push_back(sum);
  append_activation(node.attrs.text("activation", "none"), product.post_ops);
  if (product.residual != kNone && !of_sum) product.post_ops.push_back(sum);
  const double factor = node.attrs.real("factor", 1), offset = node.attrs.real("offset", 0);
  if (factor != 1 || offset != 0) {
    product.post_ops.push_back({PostOp::Kind::Eltwise, dnnl_eltwise_linear,
                                static_cast<float>(factor), static_cast<float>(offset)});
  }
  return product;
}

// The post operations as primitives of their own, for products that cannot take them along.
Result<Operand> apply_apart(Chain& chain, const Product& product, Operand y) {
  for (const PostOp& op : product.post_ops) {
    Description step{nullptr, nullptr};
    if (op.kind == PostOp::Kind::Sum) {
      Operand other = chain.reordered(chain.operand(product.residual), y.layout);
      dnnl_binary_desc_t add;
      const dnnl_status_t status =
          chain.dnnl().binary_desc_init(&add, dnnl_binary_add, &y.layout, &other.layout, &y.layout);
      if (status == dnnl_success) step = chain.describe(&add, {});
      if (step == nullptr) return no_implementation(product.node).error();
      chain.push(std::move(step),
                 {{DNNL_ARG_SRC_0, y}, {DNNL_ARG_SRC_1, other}, {DNNL_ARG_DST, y}});
      continue;
    }
    dnnl_eltwise_desc_t eltwise;
    const dnnl_status_t status = chain.dnnl().eltwise_forward_desc_init(
        &eltwise, dnnl_forward_inference, op.algorithm, &y.layout, op.alpha, op.beta);
    if (status == dnnl_success) step = chain.describe(&eltwise, {});
    if (step == nullptr) return no_implementation(product.node).error();
    chain.push(std::move(step), {{DNNL_ARG_SRC, y}, {DNNL_ARG_DST, y}});
  }
  return y;
}

// oneDNN 2.6 gives two elementwise functions of one kind the constants of the first.
bool may_fuse(const Product& product) {
  std::vector<dnnl_alg_kind_t> seen;
  for (const PostOp& op : product.post_ops) {
    if (op.kind != PostOp::Kind::Eltwise) continue;
    if (std::ranges::count(seen, op.algorithm) > 0) return false;
    seen.push_back(op.algorithm);
  }
  return true;
}

// Adds the product that `operation` describes, x, weight and bias being laid out as it asks.
// `weight` is in the extents of the product.
Result<Operand> push_product(Chain& chain, const Product& product, const void* operation,
                             const Operand& x, const Operand& weight, const Operand* bias) {
  Description fused = chain.describe(operation, product.post_ops);
  const bool is_fused = fused != nullptr && !chain.is_reference(fused) && may_fuse(product);
  if (!is_fused) fused = chain.describe(operation, {});
  if (fused == nullptr) return no_implementation(product.node).error();
  const Operand from = chain.reordered(x, chain.layout_of(fused, dnnl_query_src_md));
  const Operand by = chain.reordered(weight, chain.layout_of(fused, dnnl_query_weights_md));
  const Layout layout = chain.layout_of(fused, dnnl_query_dst_md);
  Operand y;
  if (is_fused && product.residual != kNone) {
    std::vector<Operand> others = {x, from, weight, by};
    if (bias != nullptr) others.push_back(*bias);
    y = chain.writable(product.residual, layout, others);
  } else {
    y = chain.fresh(layout);
  }
  std::vector<Argument> arguments = {
      {DNNL_ARG_SRC, from}, {DNNL_ARG_WEIGHTS, by}, {DNNL_ARG_DST, y}};
  if (bias != nullptr) arguments.push_back({DNNL_ARG_BIAS, *bias});
  chain.push(std::move(fused), std::move(arguments));
  return is_fused ? Result<Operand>(y) : apply_apart(chain, product, y);
}

struct Geometry {
  dnnl_dims_t strides{}, dilates{}, before{}, after{};

  explicit Geometry(const graph::Window2d& window) {
    for (int axis = 0; axis < 2; ++axis) {
      strides[axis] = window.strides[axis];
      dilates[axis] = window.dilations[axis] - 1;
      before[axis] = window.pads[axis];
      after[axis] = window.pads[axis + 2];
    }
  }
};

using Initialize = decltype(&::dnnl_dilated_convolution_forward_desc_init);

// A convolution either way; `weight` is laid out as [groups,] out, in, height, width.
Status emit_convolution(Chain& chain, const Node& node, const Operand& weight,
                        const Geometry& geometry, dnnl_alg_kind_t algorithm,
                        Initialize initialize) {
  const ValueId bias_id = input_of(node, 2);
  const Layout x = chain.any(chain.extents(node.inputs[0]));
  const Layout y = chain.any(chain.extents(node.outputs[0]));
  const Layout w = chain.any(extents_of(weight.layout));
  Operand bias;
  if (bias_id != kNone) bias = chain.plain_as(bias_id, chain.extents(bias_id));
  const Operand* given_bias = bias_id == kNone ? nullptr : &bias;
  dnnl_convolution_desc_t operation;  // of a deconvolution, too
  const dnnl_status_t status =
      initialize(&operation, dnnl_forward_inference, algorithm, &x, &w,
                 given_bias != nullptr ? &bias.layout : nullptr, &y, geometry.strides,
                 geometry.dilates, geometry.before, geometry.after);
  if (status != dnnl_success) return no_implementation(node);
  const Product product = product_of(node);
  if (product.residual != kNone) {
    chain.place(product.residual, chain.in_own_extents(product.residual));
  }
  VERGE_TRY(const Operand made,
            push_product(chain, product, &operation, chain.in_own_extents(node.inputs[0]), weight,
                         given_bias));
  chain.place(node.outputs[0], made);
  return {};
}

Extents joined_rows(const Extents& extents) {
  int64_t rows = 1;
  for (size_t axis = 0; axis + 1 < extents.size(); ++axis) rows *= extents[axis];
  return {rows, extents.back()};
}

}  // namespace

Status emit_conv2d(Chain& chain, const Node& node) {
  const Extents w = chain.extents(node.inputs[1]);
  const graph::Window2d window(node.attrs, w[2], w[3]);
  const Extents grouped = {window.groups, w[0] / window.groups, w[1], w[2], w[3]};
  const Operand weight = chain.plain_as(node.inputs[1], window.groups > 1 ? grouped : w);
  return emit_convolution(chain, node, weight, Geometry(window), dnnl_convolution_auto,
                          chain.dnnl().dilated_convolution_forward_desc_init);
}

// Its weight is [in, out / groups, height, width]: the axes change places.
Status emit_conv_transpose2d(Chain& chain, const Node& node) {
  const Extents w = chain.extents(node.inputs[1]);
  const graph::Window2d window(node.attrs, w[2], w[3]);
  Geometry geometry(window);
  if (const auto& extra = node.attrs.list("output_padding"); !extra.empty()) {
    for (size_t axis = 0; axis < 2; ++axis) geometry.after[axis] -= extra[axis];
  }
  const bool is_grouped = window.groups > 1;
  const Extents grouped = {window.groups, w[0] / window.groups, w[1], w[2], w[3]};
  Operand weight = chain.plain_as(node.inputs[1], is_grouped ? grouped : w);
  const int swap_grouped[] = {0, 2, 1, 3, 4}, swap[] = {1, 0, 2, 3};
  Layout swapped;
  if (chain.dnnl().memory_desc_permute_axes(&swapped, &weight.layout,
                                            is_grouped ? swap_grouped : swap) != dnnl_success) {
    return no_implementation(node);
  }
  weight.layout = swapped;
  return emit_convolution(chain, node, weight, geometry, dnnl_deconvolution_direct,
                          chain.dnnl().dilated_deconvolution_forward_desc_init);
}

Status emit_linear(Chain& chain, const Node& node) {
  const ValueId bias_id = input_of(node, 2);
  const Extents rows = joined_rows(chain.extents(node.inputs[0]));
  const Extents w = chain.extents(node.inputs[1]);
  const Extents results = {rows[0], w[0]};
  const Operand x = chain.plain_as(node.inputs[0], rows);
  const Operand weight = chain.plain_as(node.inputs[1], w);
  Operand bias;
  if (bias_id != kNone) bias = chain.plain_as(bias_id, {w[0]});
  const Layout any_weight = chain.any(w), y = chain.plain(results);
  dnnl_inner_product_desc_t operation;
  const dnnl_status_t status = chain.dnnl().inner_product_forward_desc_init(
      &operation, dnnl_forward_inference, &x.layout, &any_weight,
      bias_id != kNone ? &bias.layout : nullptr, &y);
  if (status != dnnl_success) return no_implementation(node);
  const Product product = product_of(node);
  if (product.residual != kNone) {
    chain.place(product.residual, chain.plain_as(product.residual, results));
  }
  VERGE_TRY(const Operand made, push_product(chain, product, &operation, x, weight,
                                             bias_id != kNone ? &bias : nullptr));
  chain.place(node.outputs[0], {chain.plain(chain.extents(node.outputs[0])), made.buffer});
  return {};
}

Status emit_matmul(Chain& chain, const Node& node) {
  const bool by_columns_a = node.attrs.integer("transpose_a") != 0;
  const bool by_columns_b = node.attrs.integer("transpose_b") != 0;
  const bool is_batched = node.attrs.integer("batched") != 0;
  const auto matrices = [&](ValueId id) {
    const Extents all = chain.extents(id);
    if (!is_batched) return joined_rows(all);
    int64_t batch = 1;
    for (size_t axis = 0; axis + 2 < all.size(); ++axis) batch *= all[axis];
    return Extents{batch, all[all.size() - 2], all.back()};
  };
  const auto operand = [&](ValueId id, bool is_transposed) -> Result<Operand> {
    Operand made = chain.plain_as(id, matrices(id));
    const int swap_batched[] = {0, 2, 1}, swap[] = {1, 0};
    const Layout before = made.layout;
    if (is_transposed &&
        chain.dnnl().memory_desc_permute_axes(&made.layout, &before,
                                              is_batched ? swap_batched : swap) != dnnl_success) {
      return no_implementation(node).error();
    }
    return made;
  };
  VERGE_TRY(const Operand a, operand(node.inputs[0], by_columns_a));
  VERGE_TRY(const Operand b, operand(node.inputs[1], by_columns_b));
  const Layout y = chain.plain(matrices(node.outputs[0]));
  dnnl_matmul_desc_t operation;
  if (chain.dnnl().matmul_desc_init(&operation, &a.layout, &b.layout, nullptr, &y) !=
      dnnl_success) {
    return no_implementation(node);
  }
  Description step = chain.describe(&operation, {});
  if (step == nullptr) return no_implementation(node);
  const Operand made = chain.fresh(y);
  chain.push(std::move(step), {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, made}});
  chain.place(node.outputs[0], {chain.plain(chain.extents(node.outputs[0])), made.buffer});
  return {};
}

}  // namespace verge::backends::onednn
