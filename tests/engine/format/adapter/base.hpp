#pragma once
// The base of the adapters under test: a Llama of 2 heads, and 1 for keys, of 4 rows each.

#include <verge/engine/format/model_source.hpp>

namespace verge::format {

inline ModelSource llama_base() {
  ModelSource base;
  base.path = "base.gguf";
  base.metadata.set("general.architecture", "llama");
  base.metadata.set("llama.attention.head_count", 2u);
  base.metadata.set("llama.attention.head_count_kv", 1u);
  const auto add = [&](const char* name, Shape shape) {
    StoredTensor tensor;
    tensor.name = name;
    tensor.dtype = DType::F32;
    tensor.shape = shape;
    if (!base.add(tensor)) std::abort();
  };
  add("token_embd.weight", {10, 6});
  add("blk.0.attn_q.weight", {8, 6});
  add("blk.0.attn_k.weight", {4, 6});
  add("blk.0.ffn_down.weight", {6, 12});
  add("blk.0.attn_norm.weight", {6});
  return base;
}

}  // namespace verge::format
