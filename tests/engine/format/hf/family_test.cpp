#include <gtest/gtest.h>

#include <verge/engine/format/hf/family.hpp>

namespace verge::format {
namespace {

TEST(HfFamily, RenamesTensors) {
  const struct {
    std::string type;
    std::string hf;
    std::string gguf;  // "?" for an unknown name
  } cases[] = {
      {"llama", "model.embed_tokens.weight", "token_embd.weight"},
      {"llama", "model.norm.weight", "output_norm.weight"},
      {"llama", "lm_head.weight", "output.weight"},
      {"llama", "model.layers.12.self_attn.q_proj.weight", "blk.12.attn_q.weight"},
      {"llama", "model.layers.0.post_attention_layernorm.weight", "blk.0.ffn_norm.weight"},
      {"llama", "model.layers.0.self_attn.rotary_emb.inv_freq", ""},
      {"llama", "model.layers.0.self_attn.q_proj.qweight", "?"},
      {"llama", "model.layers.x.self_attn.q_proj.weight", "?"},
      {"llama", "model.layers..self_attn.q_proj.weight", "?"},
      {"llama", "model.layers.3.weight", "?"},
      {"llama", "model.layers.3", "?"},
      {"llama", "", "?"},
      {"qwen2", "model.layers.1.self_attn.k_proj.bias", "blk.1.attn_k.bias"},
      {"qwen3", "model.layers.1.self_attn.k_norm.weight", "blk.1.attn_k_norm.weight"},
      {"phi3", "model.layers.1.self_attn.qkv_proj.weight", "blk.1.attn_qkv.weight"},
      {"phi3", "model.layers.1.mlp.gate_up_proj.weight", "blk.1.ffn_up.weight"},
      {"gemma2", "model.layers.1.post_attention_layernorm.weight",
       "blk.1.post_attention_norm.weight"},
      {"gemma2", "model.layers.1.pre_feedforward_layernorm.weight", "blk.1.ffn_norm.weight"},
      {"gemma3_text", "language_model.model.layers.1.mlp.down_proj.weight",
       "blk.1.ffn_down.weight"},
      {"gemma3_text", "vision_tower.embeddings.weight", ""},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(gguf_tensor_name(hf_family(c.type).value(), c.hf).value_or("?"), c.gguf) << c.hf;
  }
}

TEST(HfFamily, NamesComeBack) {
  const HfFamily llama = *hf_family("llama");
  for (const char* name :
       {"token_embd.weight", "output_norm.weight", "output.weight", "blk.0.attn_norm.weight",
        "blk.3.attn_q.weight", "blk.12.attn_k.bias", "blk.1.attn_v.weight",
        "blk.1.attn_output.weight", "blk.1.attn_q_norm.weight", "blk.1.ffn_norm.weight",
        "blk.1.ffn_gate.weight", "blk.1.ffn_up.weight", "blk.1.ffn_down.weight"}) {
    const auto hf = hf_tensor_name(name);
    ASSERT_TRUE(hf) << name;
    EXPECT_EQ(gguf_tensor_name(llama, *hf), name) << *hf;
  }
  for (const char* name :
       {"rope_freqs.weight", "blk.0.ffn_gate_inp.weight", "blk.0", "output", ""}) {
    EXPECT_FALSE(hf_tensor_name(name)) << name;
  }
}

TEST(HfFamily, ListsWhatItKnows) {
  EXPECT_EQ(hf_family("rwkv").error().message,
            "model_type rwkv is not supported; fetch the model as GGUF, or one of llama, mistral, "
            "qwen2, qwen3, gemma, gemma2, gemma3_text, phi3");
}

}  // namespace
}  // namespace verge::format
