#include <algorithm>

#include <verge/engine/backends/onednn/emit.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::backends::onednn {
namespace {

struct Rule {
  std::string_view op;
  Emit emit;
};

constexpr Rule kRules[] = {
    {"add", emit_binary},
    {"avg_pool2d", emit_pool},
    {"clip", emit_unary},
    {"concat", emit_concat},
    {"conv2d", emit_conv2d},
    {"conv_transpose2d", emit_conv_transpose2d},
    {"div", emit_binary},
    {"exp", emit_unary},
    {"gelu", emit_unary},
    {"global_avg_pool", emit_global_avg_pool},
    {"hsigmoid", emit_unary},
    {"hswish", emit_unary},
    {"layer_norm", emit_layer_norm},
    {"leaky_relu", emit_unary},
    {"linear", emit_linear},
    {"log", emit_unary},
    {"matmul", emit_matmul},
    {"max_pool2d", emit_pool},
    {"maximum", emit_binary},
    {"minimum", emit_binary},
    {"mul", emit_binary},
    {"reduce_mean", emit_reduce_mean},
    {"relu", emit_unary},
    {"reshape", emit_reshape},
    {"scale", emit_unary},
    {"sigmoid", emit_unary},
    {"silu", emit_unary},
    {"slice", emit_slice},
    {"softmax", emit_softmax},
    {"sqrt", emit_unary},
    {"sub", emit_binary},
    {"tanh", emit_unary},
    {"transpose", emit_transpose},
    {"upsample_nearest", emit_upsample},
};

const Rule* find_rule(std::string_view op) {
  const auto at = std::ranges::lower_bound(kRules, op, {}, &Rule::op);
  return at != std::end(kRules) && at->op == op ? &*at : nullptr;
}

}  // namespace

bool has_emit(std::string_view op) {
  return find_rule(op) != nullptr;
}

std::vector<std::string_view> emitted_operators() {
  std::vector<std::string_view> names;
  for (const Rule& rule : kRules) names.push_back(rule.op);
  return names;
}

Status emit(Chain& chain, const graph::Node& node) {
  const Rule* rule = find_rule(node.op->name);
  return rule == nullptr ? no_implementation(node) : rule->emit(chain, node);
}

Status no_implementation(const graph::Node& node) {
  return make_error(Code::Unsupported, "oneDNN has no implementation of {} ({})", node.op->name,
                    node.source);
}

void append_activation(std::string_view name, std::vector<PostOp>& post_ops) {
  const auto add = [&](dnnl_alg_kind_t algorithm, float alpha = 0, float beta = 0) {
    post_ops.push_back({PostOp::Kind::Eltwise, algorithm, alpha, beta});
  };
  if (name == "relu") add(dnnl_eltwise_relu);
  if (name == "relu6") add(dnnl_eltwise_clip, 0, 6);
  if (name == "silu") add(dnnl_eltwise_swish, 1);
  if (name == "sigmoid") add(dnnl_eltwise_logistic);
  if (name == "hswish") add(dnnl_eltwise_hardswish);
  if (name == "gelu") add(dnnl_eltwise_gelu_tanh);
  if (name == "gelu_erf") add(dnnl_eltwise_gelu_erf);
  if (name == "hsigmoid") {
    add(dnnl_eltwise_linear, 1.0F / 6, 0.5F);
    add(dnnl_eltwise_clip, 0, 1);
  }
}

}  // namespace verge::backends::onednn
