#include <verge/engine/backends/onednn/emit.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::backends::onednn {
namespace {

using graph::Node;

Status push_unary(Chain& chain, const Node& node, const void* operation, dnnl_status_t status,
                  const Operand& from) {
  Description step{nullptr, nullptr};
  if (status == dnnl_success) step = chain.describe(operation, {});
  if (step == nullptr) return no_implementation(node);
  const Operand made = chain.fresh(chain.layout_of(step, dnnl_query_dst_md));
  chain.push(std::move(step), {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, made}});
  chain.place(node.outputs[0], made);
  return {};
}

Status push_pool(Chain& chain, const Node& node, dnnl_alg_kind_t algorithm,
                 const graph::Window2d& window, const Extents& results) {
  const Operand from = chain.in_own_extents(node.inputs[0]);
  const Layout y = chain.any(results);
  dnnl_pooling_desc_t operation;
  const dnnl_status_t status = chain.dnnl().pooling_forward_desc_init(
      &operation, dnnl_forward_inference, algorithm, &from.layout, &y, window.strides,
      window.kernel, window.pads, window.pads + 2);
  return push_unary(chain, node, &operation, status, from);
}

}  // namespace

Status emit_pool(Chain& chain, const Node& node) {
  const graph::Window2d window(node.attrs);
  const dnnl_alg_kind_t mean = node.attrs.integer("count_include_pad") != 0
                                   ? dnnl_pooling_avg_include_padding
                                   : dnnl_pooling_avg_exclude_padding;
  return push_pool(chain, node, node.op->name == "max_pool2d" ? dnnl_pooling_max : mean, window,
                   chain.extents(node.outputs[0]));
}

Status emit_global_avg_pool(Chain& chain, const Node& node) {
  const Extents x = chain.extents(node.inputs[0]);
  graph::Window2d window{graph::Attrs()};
  for (size_t axis = 0; axis < 2; ++axis) window.kernel[axis] = x[axis + 2];
  return push_pool(chain, node, dnnl_pooling_avg_exclude_padding, window, {x[0], x[1], 1, 1});
}

Status emit_concat(Chain& chain, const Node& node) {
  const Extents y = chain.extents(node.outputs[0]);
  int64_t axis = node.attrs.integer("axis");
  if (axis < 0) axis += static_cast<int64_t>(y.size());
  std::vector<Layout> layouts;
  std::vector<Argument> arguments;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const Operand part = chain.in_own_extents(node.inputs[i]);
    layouts.push_back(part.layout);
    arguments.push_back({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), part});
  }
  Description step = chain.concatenation(layouts, static_cast<int>(axis));
  if (step == nullptr) return no_implementation(node);
  const Operand made = chain.fresh(chain.layout_of(step, dnnl_query_dst_md));
  arguments.push_back({DNNL_ARG_DST, made});
  chain.push(std::move(step), std::move(arguments));
  chain.place(node.outputs[0], made);
  return {};
}

Status emit_reshape(Chain& chain, const Node& node) {
  chain.place(node.outputs[0], chain.plain_as(node.inputs[0], chain.extents(node.outputs[0])));
  return {};
}

// A reorder of a part of the bytes. oneDNN takes layouts for equal that begin elsewhere in a
// buffer.
Status emit_slice(Chain& chain, const Node& node) {
  const Extents x = chain.extents(node.inputs[0]), y = chain.extents(node.outputs[0]);
  const Operand from = chain.plain_as(node.inputs[0], x);
  const auto axis = graph::from_front(node.attrs.integer("axis"), x.size());
  Extents offsets(x.size());
  offsets[static_cast<size_t>(axis)] = node.attrs.integer("start");
  Layout part;
  if (chain.dnnl().memory_desc_init_submemory(&part, &from.layout, y.data(), offsets.data()) !=
      dnnl_success) {
    return no_implementation(node);
  }
  chain.place(node.outputs[0], chain.copied({part, from.buffer}, chain.plain(y)));
  return {};
}

// A reorder of the same bytes seen with other axes.
Status emit_transpose(Chain& chain, const Node& node) {
  const Operand from = chain.in_own_extents(node.inputs[0]);
  const auto& perm = node.attrs.list("perm");
  std::vector<int> axis_of(perm.size());  // of x: where it goes
  for (size_t i = 0; i < perm.size(); ++i) {
    axis_of[static_cast<size_t>(perm[i])] = static_cast<int>(i);
  }
  Layout seen;
  if (chain.dnnl().memory_desc_permute_axes(&seen, &from.layout, axis_of.data()) != dnnl_success) {
    return no_implementation(node);
  }
  const Layout wanted = chain.plain(chain.extents(node.outputs[0]));
  chain.place(node.outputs[0], chain.reordered({seen, from.buffer}, wanted));
  return {};
}

Status emit_upsample(Chain& chain, const Node& node) {
  const Operand from = chain.in_own_extents(node.inputs[0]);
  const Layout y = chain.any(chain.extents(node.outputs[0]));
  const auto factor = static_cast<float>(node.attrs.integer("factor", 2));
  const float factors[] = {factor, factor};
  dnnl_resampling_desc_t operation;
  const dnnl_status_t status = chain.dnnl().resampling_forward_desc_init(
      &operation, dnnl_forward_inference, dnnl_resampling_nearest, factors, &from.layout, &y);
  return push_unary(chain, node, &operation, status, from);
}

Status emit_reduce_mean(Chain& chain, const Node& node) {
  const Operand from = chain.in_own_extents(node.inputs[0]);
  Extents kept = extents_of(from.layout);
  for (int64_t axis : node.attrs.list("axes")) {
    if (axis < 0) axis += static_cast<int64_t>(kept.size());
    kept[static_cast<size_t>(axis)] = 1;
  }
  const Layout y = chain.any(kept);
  dnnl_reduction_desc_t operation;
  const dnnl_status_t status =
      chain.dnnl().reduction_desc_init(&operation, dnnl_reduction_mean, &from.layout, &y, 0, 0);
  return push_unary(chain, node, &operation, status, from);
}

}  // namespace verge::backends::onednn
