#include <vector>

#include <verge/engine/nn/blocks.hpp>

namespace verge::nn {

using graph::Dim;
using graph::Dims;
using graph::kNone;
using graph::ValueId;

ValueId BlockBuilder::optional_weight(const std::string& name) {
  const auto type = facts_.tensor(name);
  if (!type) return kNone;
  const ValueId known = b.graph().find(name);
  return known != kNone ? known : b.param(name, *type);
}

ValueId BlockBuilder::weight(const std::string& name) {
  const ValueId id = optional_weight(name);
  if (id == kNone) {
    b.fail(make_error(Code::Malformed, "the model lacks tensor {}; the file is incomplete", name));
  }
  return id;
}

ValueId BlockBuilder::linear(ValueId x, const std::string& name, ValueId residual) {
  return b.op("linear", {x, weight(name + ".weight"), optional_weight(name + ".bias"), residual});
}

ValueId BlockBuilder::rms_norm(ValueId x, const std::string& name, double eps) {
  return b.op("rms_norm", {x, weight(name + ".weight")}, {{"eps", eps}});
}

namespace {
graph::Attrs shape_attrs(const Dims& dims) {
  std::vector<int64_t> factors, symbols;
  for (const Dim& dim : dims) {
    factors.push_back(dim.factor);
    symbols.push_back(dim.symbol);
  }
  return {{"dims", factors}, {"symbols", symbols}};
}
}  // namespace

ValueId BlockBuilder::split_heads(ValueId x, int64_t heads, int64_t head_dim) {
  if (b.failed()) return kNone;
  return b.op("reshape", {x}, shape_attrs({b.type(x).dims[0], heads, head_dim}));
}

ValueId BlockBuilder::join_heads(ValueId x) {
  if (b.failed()) return kNone;
  const Dims& dims = b.type(x).dims;
  return b.op("reshape", {x}, shape_attrs({dims[0], dims[1].factor * dims[2].factor}));
}

ValueId BlockBuilder::columns(ValueId x, int64_t start, int64_t size) {
  return b.op("slice", {x}, {{"axis", int64_t{-1}}, {"start", start}, {"size", size}});
}

ValueId gated_ffn(BlockBuilder& blocks, const DecoderConfig& config, const std::string& layer,
                  ValueId x, ValueId residual) {
  ValueId gate, up;
  if (blocks.has(layer + ".ffn_gate.weight")) {
    gate = blocks.linear(x, layer + ".ffn_gate");
    up = blocks.linear(x, layer + ".ffn_up");
  } else {  // Phi-3 keeps both in one matrix, the gate first
    const ValueId both = blocks.linear(x, layer + ".ffn_up");
    gate = blocks.columns(both, 0, config.ffn_dim);
    up = blocks.columns(both, config.ffn_dim, config.ffn_dim);
  }
  const char* product = config.activation == Activation::Silu ? "swiglu" : "geglu";
  return blocks.linear(blocks.b.op(product, {gate, up}), layer + ".ffn_down", residual);
}

ValueId moe_ffn(BlockBuilder& blocks, const DecoderConfig& config, const std::string& layer,
                ValueId x) {
  graph::Builder& b = blocks.b;
  const ValueId scores = blocks.linear(x, layer + ".ffn_gate_inp");
  const auto routing = b.op_all("top_k_experts", {scores},
                                {{"k", config.moe.experts_used},
                                 {"normalize", int64_t{config.moe.normalize}},
                                 {"gate", std::string("softmax")}});
  if (b.failed()) return kNone;
  const ValueId rows = blocks.split_heads(x, 1, config.d_model);
  const ValueId ids = routing[0];
  const ValueId gate =
      b.op("expert_linear", {rows, blocks.weight(layer + ".ffn_gate_exps.weight"), ids});
  const ValueId up =
      b.op("expert_linear", {rows, blocks.weight(layer + ".ffn_up_exps.weight"), ids});
  const ValueId hidden = b.op("swiglu", {gate, up});
  const ValueId down =
      b.op("expert_linear", {hidden, blocks.weight(layer + ".ffn_down_exps.weight"), ids});
  return b.op("expert_combine", {down, routing[1]});
}

}  // namespace verge::nn
