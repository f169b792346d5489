#include <cmath>
#include <limits>

#include <verge/engine/backends/onednn/emit.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::backends::onednn {
namespace {

using graph::kNone;
using graph::Node;
using graph::ValueId;

std::vector<PostOp> eltwise_of(const Node& node) {
  const std::string_view op = node.op->name;
  const graph::Attrs& attrs = node.attrs;
  std::vector<PostOp> list;
  const auto one = [&](dnnl_alg_kind_t algorithm, double alpha = 0, double beta = 0) {
    list.push_back(
        {PostOp::Kind::Eltwise, algorithm, static_cast<float>(alpha), static_cast<float>(beta)});
  };
  constexpr double kMost = std::numeric_limits<float>::max();
  if (op == "clip") {
    one(dnnl_eltwise_clip, std::max(-kMost, attrs.real("min", -HUGE_VAL)),
        std::min(kMost, attrs.real("max", HUGE_VAL)));
  } else if (op == "gelu") {
    append_activation(attrs.text("approximate", "tanh") == "none" ? "gelu_erf" : "gelu", list);
  } else if (op == "leaky_relu") {
    one(dnnl_eltwise_relu, attrs.real("slope", 0.01));
  } else if (op == "scale") {
    one(dnnl_eltwise_linear, attrs.real("factor", 1), attrs.real("offset", 0));
  } else if (op == "tanh") {
    one(dnnl_eltwise_tanh);
  } else if (op == "exp") {
    one(dnnl_eltwise_exp);
  } else if (op == "log") {
    one(dnnl_eltwise_log);
  } else if (op == "sqrt") {
    one(dnnl_eltwise_sqrt);
  } else {
    append_activation(op, list);
  }
  return list;
}

dnnl_alg_kind_t binary_of(std::string_view op) {
  if (op == "add") return dnnl_binary_add;
  if (op == "sub") return dnnl_binary_sub;
  if (op == "mul") return dnnl_binary_mul;
  if (op == "div") return dnnl_binary_div;
  return op == "maximum" ? dnnl_binary_max : dnnl_binary_min;
}

bool may_swap(std::string_view op) {
  return op != "sub" && op != "div";
}

Extents padded(const Extents& extents, size_t rank) {
  Extents all(rank - extents.size(), 1);
  all.insert(all.end(), extents.begin(), extents.end());
  return all;
}

Description describe_eltwise(const Chain& chain, const PostOp& op, const Layout& layout) {
  dnnl_eltwise_desc_t operation;
  const dnnl_status_t status = chain.dnnl().eltwise_forward_desc_init(
      &operation, dnnl_forward_inference, op.algorithm, &layout, op.alpha, op.beta);
  return status == dnnl_success ? chain.describe(&operation, {}) : Description{nullptr, nullptr};
}

// Of layouts padded with zeros that a function would not keep zero, oneDNN has its reference alone.
Operand fast_operand(Chain& chain, const Node& node, const std::vector<PostOp>& list) {
  const Operand own = chain.operand(node.inputs[0]);
  for (const PostOp& op : list) {
    const Description step = describe_eltwise(chain, op, own.layout);
    if (step != nullptr && chain.is_reference(step)) {
      return chain.plain_as(node.inputs[0], chain.extents(node.inputs[0]));
    }
  }
  return own;
}

}  // namespace

Status emit_unary(Chain& chain, const Node& node) {
  const std::vector<PostOp> list = eltwise_of(node);
  Operand from = fast_operand(chain, node, list);
  const Operand to = chain.fresh(from.layout);
  for (const PostOp& op : list) {
    Description step = describe_eltwise(chain, op, from.layout);
    if (step == nullptr) return no_implementation(node);
    chain.push(std::move(step), {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
    from = to;
  }
  chain.place(node.outputs[0], to);
  return {};
}

// Of equal extents in the layout of the first; else both by rows, the smaller one second.
Status emit_binary(Chain& chain, const Node& node) {
  ValueId a = node.inputs[0], b = node.inputs[1];
  const Extents y = chain.extents(node.outputs[0]);
  if (padded(chain.extents(a), y.size()) != y && may_swap(node.op->name)) std::swap(a, b);
  const Extents first = padded(chain.extents(a), y.size());
  const Extents second = padded(chain.extents(b), y.size());
  if (first != y) return no_implementation(node);
  Operand from = chain.operand(a);
  if (extents_of(from.layout) != first) from = chain.plain_as(a, first);
  Operand other = chain.operand(b);
  if (extents_of(other.layout) != second) other = chain.plain_as(b, second);
  if (first == second) other = chain.reordered(other, from.layout);
  const Layout any = chain.any(y);
  dnnl_binary_desc_t operation;
  const dnnl_status_t status = chain.dnnl().binary_desc_init(&operation, binary_of(node.op->name),
                                                             &from.layout, &other.layout, &any);
  Description step{nullptr, nullptr};
  if (status == dnnl_success) step = chain.describe(&operation, {});
  if (step == nullptr) return no_implementation(node);
  const Operand made = chain.fresh(chain.layout_of(step, dnnl_query_dst_md));
  chain.push(std::move(step),
             {{DNNL_ARG_SRC_0, from}, {DNNL_ARG_SRC_1, other}, {DNNL_ARG_DST, made}});
  chain.place(node.outputs[0], made);
  return {};
}

Status emit_softmax(Chain& chain, const Node& node) {
  const Extents extents = chain.extents(node.inputs[0]);
  const Operand from = chain.plain_as(node.inputs[0], extents);
  dnnl_softmax_desc_t operation;
  const dnnl_status_t status = chain.dnnl().softmax_forward_desc_init(
      &operation, dnnl_forward_inference, &from.layout, static_cast<int>(extents.size()) - 1);
  Description step{nullptr, nullptr};
  if (status == dnnl_success) step = chain.describe(&operation, {});
  if (step == nullptr) return no_implementation(node);
  const Operand made = chain.fresh(from.layout);
  chain.push(std::move(step), {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, made}});
  chain.place(node.outputs[0], made);
  return {};
}

Status emit_layer_norm(Chain& chain, const Node& node) {
  const ValueId bias = node.inputs.size() > 2 ? node.inputs[2] : kNone;
  const Extents extents = chain.extents(node.inputs[0]);
  int64_t rows = 1;
  for (size_t axis = 0; axis + 1 < extents.size(); ++axis) rows *= extents[axis];
  const Operand from = chain.plain_as(node.inputs[0], {rows, extents.back()});
  unsigned flags = dnnl_use_scale;
  if (bias != kNone) flags |= dnnl_use_shift;
  dnnl_layer_normalization_desc_t operation;
  const dnnl_status_t status = chain.dnnl().layer_normalization_forward_desc_init(
      &operation, dnnl_forward_inference, &from.layout, nullptr,
      static_cast<float>(node.attrs.real("eps", 1e-5)), flags);
  Description step{nullptr, nullptr};
  if (status == dnnl_success) step = chain.describe(&operation, {});
  if (step == nullptr) return no_implementation(node);
  const Operand made = chain.fresh(from.layout);
  std::vector<Argument> arguments = {
      {DNNL_ARG_SRC, from},
      {DNNL_ARG_DST, made},
      {DNNL_ARG_SCALE, chain.plain_as(node.inputs[1], {extents.back()})}};
  if (bias != kNone) {
    arguments.push_back({DNNL_ARG_SHIFT, chain.plain_as(bias, {extents.back()})});
  }
  chain.push(std::move(step), std::move(arguments));
  chain.place(node.outputs[0], {chain.plain(extents), made.buffer});
  return {};
}

}  // namespace verge::backends::onednn
