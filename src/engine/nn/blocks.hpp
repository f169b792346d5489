#pragma once
// The pieces of Transformer models: functions that append nodes to a Builder. Activations are rows
// of f32, [tokens, features].

#include <string>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/nn/config.hpp>

namespace verge::nn {

/// Appends nodes with the weights of a file: `weight("blk.0.attn_q")` is the param
/// "blk.0.attn_q.weight".
class BlockBuilder {
 public:
  BlockBuilder(graph::Builder& builder, const ModelFacts& facts) : b(builder), facts_(facts) {}

  /// A param with the file's own type; reports a missing tensor to the builder.
  graph::ValueId weight(const std::string& name);
  /// The param if the file has it, else kNone.
  graph::ValueId optional_weight(const std::string& name);
  bool has(const std::string& name) const { return facts_.tensor(name).has_value(); }

  /// x W^T + b, with `name`.weight and, where the file has it, `name`.bias; plus `residual` if
  /// given.
  graph::ValueId linear(graph::ValueId x, const std::string& name,
                        graph::ValueId residual = graph::kNone);
  graph::ValueId rms_norm(graph::ValueId x, const std::string& name, double eps);
  /// x [tokens, n] as [tokens, heads, head_dim], and back.
  graph::ValueId split_heads(graph::ValueId x, int64_t heads, int64_t head_dim);
  graph::ValueId join_heads(graph::ValueId x);
  /// Columns [start, start + size) of the last extent.
  graph::ValueId columns(graph::ValueId x, int64_t start, int64_t size);

  graph::Builder& b;

 private:
  const ModelFacts& facts_;
};

/// The gated feed-forward network: down(act(gate(x)) * up(x)) + residual. Shazeer 2020.
/// `residual` may be kNone. Tensors blk.N.ffn_gate, ffn_up (or both fused in ffn_up), ffn_down.
graph::ValueId gated_ffn(BlockBuilder& blocks, const DecoderConfig& config,
                         const std::string& layer, graph::ValueId x, graph::ValueId residual);

/// The mixture of gated experts: each token goes through the experts_used best of `experts`. Fedus
/// et al. 2022; Jiang et al. 2024. Tensors blk.N.ffn_gate_inp, ffn_gate_exps, ffn_up_exps,
/// ffn_down_exps.
graph::ValueId moe_ffn(BlockBuilder& blocks, const DecoderConfig& config, const std::string& layer,
                       graph::ValueId x);

}  // namespace verge::nn
