#include <verge/engine/nn/blocks.hpp>
#include <verge/engine/nn/decoder.hpp>

namespace verge::nn {
namespace {

using graph::Dim;
using graph::kNone;
using graph::ValueId;

struct Inputs {
  ValueId rows;  // tokens, or states where other layers have run before
  ValueId positions, slots, slot_tokens, token_sequence, page_table, output_rows;
};

class Decoder {
 public:
  Decoder(const DecoderConfig& config, const ModelFacts& facts, const DecoderShape& shape)
      : config_(config),
        facts_(facts),
        shape_(shape),
        layers_(config.resolve(shape.layers)),
        b_(config.architecture),
        blocks_(b_, facts) {}

  Result<graph::Graph> build() {
    VERGE_CHECK(layers_.first < layers_.end && layers_.end <= config_.layers, layers_.first,
                layers_.end);
    declare_inputs();
    ValueId x = layers_.first > 0 ? in_.rows : embed();
    for (int64_t layer = layers_.first; layer < layers_.end; ++layer) x = block(layer, x);
    if (shape_.has_states) b_.output(x, "end_states");
    if (shape_.has_hidden) add_head(x);
    return b_.finish();
  }

 private:
  void add_head(ValueId x) {
    b_.source("output");
    x = b_.op("gather_rows", {x, in_.output_rows});
    x = b_.op("rms_norm", {x, last_norm()}, {{"eps", config_.norm_eps}});
    b_.output(x, "hidden");
    if (shape_.has_logits) b_.output(logits(x), "logits");
  }

  void declare_inputs() {
    const Dim tokens(1, b_.symbol("tokens", shape_.max_tokens));
    const Dim outputs(1, b_.symbol("outputs", shape_.max_outputs));
    const Dim writes(1, b_.symbol("writes", shape_.max_tokens));
    in_.rows = layers_.first > 0 ? b_.input("states", {DType::F32, {tokens, config_.d_model}})
                                 : b_.input("tokens", {DType::I32, {tokens}});
    in_.positions = b_.input("positions", {DType::I32, {tokens}});
    in_.slots = b_.input("slots", {DType::I32, {writes}});
    in_.slot_tokens = b_.input("slot_tokens", {DType::I32, {writes}});
    in_.token_sequence = b_.input("token_sequence", {DType::I32, {tokens}});
    in_.page_table =
        b_.input("page_table", {DType::I32, {shape_.max_sequences, shape_.pages_per_sequence}});
    in_.output_rows = b_.input("output_rows", {DType::I32, {outputs}});
  }

  ValueId embed() {
    b_.source("embedding");
    return b_.op("embedding", {blocks_.weight("token_embd.weight"), in_.rows},
                 {{"scale", config_.embedding_scale}});
  }

  // The weight of the norm before the logits.
  ValueId last_norm() {
    if (layers_.end == config_.layers) return blocks_.weight("output_norm.weight");
    const std::string key = fmt::format("verge.exit.{}.norm", layers_.end);
    const std::vector<double> values = facts_.numbers(key);
    if (static_cast<int64_t>(values.size()) != config_.d_model) {
      b_.fail(make_error(Code::Malformed, "{} has {} values for a width of {}; export it again",
                         key, values.size(), config_.d_model));
      return kNone;
    }
    Tensor data(DType::F32, {config_.d_model});
    std::ranges::copy(values, data.span<float>().begin());
    return b_.constant(key, std::move(data));
  }

  ValueId logits(ValueId x) {
    const std::string own = exit_output_name(layers_.end);
    ValueId y = kNone;
    if (layers_.end < config_.layers && blocks_.has(own)) {
      y = b_.op("linear", {x, blocks_.weight(own)});
    } else if (blocks_.has("output.weight")) {
      y = blocks_.linear(x, "output");
    } else {
      y = b_.op("linear", {x, blocks_.weight("token_embd.weight")});
    }
    if (config_.final_softcap > 0) y = b_.op("softcap", {y}, {{"cap", config_.final_softcap}});
    return y;
  }

  ValueId block(int64_t layer, ValueId x) {
    const std::string name = fmt::format("blk.{}", layer);
    b_.source(name + ".attn");
    x = attention(layer, name, x);
    b_.source(name + ".ffn");
    return feed_forward(name, x);
  }

  // The rotation angles of this run's tokens, for global or for local layers.
  ValueId angles(bool local) {
    ValueId& known = angles_[local ? 1 : 0];
    if (known == kNone && !b_.failed()) {
      const std::vector<float> values =
          rope_frequencies(config_.rope, local, shape_.pages_per_sequence * shape_.page_tokens);
      Tensor data(DType::F32, {static_cast<int64_t>(values.size())});
      std::ranges::copy(values, data.span<float>().begin());
      const ValueId frequencies =
          b_.constant(local ? "rope_frequencies_local" : "rope_frequencies", std::move(data));
      known = b_.op("rope_angles", {in_.positions, frequencies},
                    {{"magnitude", rope_magnitude(config_.rope, local)}});
    }
    return known;
  }

  ValueId rotate(ValueId x, bool local) {
    const bool half = config_.rope.pairs == RopePairs::Half;
    return b_.op("rope", {x, angles(local)},
                 {{"pairs", std::string(half ? "half" : "interleaved")}});
  }

  // A projection split into heads, normalised where the file has the norm (Qwen 3, Gemma 3).
  ValueId heads(ValueId projected, const std::string& norm, int64_t count) {
    const ValueId x = blocks_.split_heads(projected, count, config_.head_dim);
    return blocks_.has(norm + ".weight") ? blocks_.rms_norm(x, norm, config_.norm_eps) : x;
  }

  struct Projections {
    ValueId q, k, v;
  };

  Projections project(const std::string& name, ValueId x) {
    const int64_t q_dim = config_.heads * config_.head_dim;
    const int64_t kv_dim = config_.kv_heads * config_.head_dim;
    if (blocks_.has(name + ".attn_qkv.weight")) {
      const ValueId all = blocks_.linear(x, name + ".attn_qkv");
      return {blocks_.columns(all, 0, q_dim), blocks_.columns(all, q_dim, kv_dim),
              blocks_.columns(all, q_dim + kv_dim, kv_dim)};
    }
    return {blocks_.linear(x, name + ".attn_q"), blocks_.linear(x, name + ".attn_k"),
            blocks_.linear(x, name + ".attn_v")};
  }

  ValueId attention(int64_t layer, const std::string& name, ValueId x) {
    const bool local = config_.is_local(layer);
    const ValueId normed = blocks_.rms_norm(x, name + ".attn_norm", config_.norm_eps);
    const Projections p = project(name, normed);
    const ValueId q = rotate(heads(p.q, name + ".attn_q_norm", config_.heads), local);
    const ValueId k = rotate(heads(p.k, name + ".attn_k_norm", config_.kv_heads), local);
    const ValueId v = blocks_.split_heads(p.v, config_.kv_heads, config_.head_dim);
    const ValueId cache =
        b_.state(fmt::format("kv.{}", layer),
                 {shape_.kv_dtype,
                  {shape_.pages, 2, config_.kv_heads, shape_.page_tokens, config_.head_dim}});
    const ValueId appended = b_.op("kv_append", {cache, k, v, in_.slots, in_.slot_tokens});
    const ValueId mixed =
        b_.op("paged_attention", {q, appended, in_.page_table, in_.token_sequence, in_.positions},
              {{"scale", config_.attention_scale},
               {"softcap", config_.attention_softcap},
               {"page_tokens", shape_.page_tokens},
               {"window", local ? config_.window : int64_t{0}}});
    const ValueId joined = blocks_.join_heads(mixed);
    if (!config_.post_norms) return blocks_.linear(joined, name + ".attn_output", x);
    const ValueId out = blocks_.linear(joined, name + ".attn_output");
    return b_.op("add",
                 {blocks_.rms_norm(out, name + ".post_attention_norm", config_.norm_eps), x});
  }

  ValueId feed_forward(const std::string& name, ValueId x) {
    const ValueId normed = blocks_.rms_norm(x, name + ".ffn_norm", config_.norm_eps);
    if (config_.moe.experts > 0) return b_.op("add", {moe_ffn(blocks_, config_, name, normed), x});
    if (!config_.post_norms) return gated_ffn(blocks_, config_, name, normed, x);
    const ValueId out = gated_ffn(blocks_, config_, name, normed, kNone);
    return b_.op("add", {blocks_.rms_norm(out, name + ".post_ffw_norm", config_.norm_eps), x});
  }

  const DecoderConfig& config_;
  const ModelFacts& facts_;
  const DecoderShape& shape_;
  const LayerSpan layers_;
  graph::Builder b_;
  BlockBuilder blocks_;
  Inputs in_{};
  ValueId angles_[2] = {kNone, kNone};
};

}  // namespace

Result<graph::Graph> build_decoder(const DecoderConfig& config, const ModelFacts& facts,
                                   const DecoderShape& shape) {
  return Decoder(config, facts, shape).build();
}

}  // namespace verge::nn
