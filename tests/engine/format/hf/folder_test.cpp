#include <cstring>

#include <gtest/gtest.h>

#include <verge/engine/format/gguf/reader.hpp>
#include <verge/engine/format/hf/folder.hpp>
#include <verge/engine/format/safetensors/writer.hpp>

#include "shared_data.hpp"
#include "temporary_folder.hpp"

namespace verge::format {
namespace {

const std::string kConfig = R"({"model_type":"llama","num_hidden_layers":5,"hidden_size":64,
    "intermediate_size":172,"max_position_embeddings":512,"num_attention_heads":8,
    "num_key_value_heads":4,"vocab_size":512,"rms_norm_eps":1e-05,"tie_word_embeddings":true})";

/// GGUF names back to those of transformers.
std::string hf_name(std::string name) {
  const std::pair<std::string, std::string> words[] = {{"token_embd", "model.embed_tokens"},
                                                       {"output_norm", "model.norm"},
                                                       {"blk.", "model.layers."},
                                                       {"attn_norm", "input_layernorm"},
                                                       {"ffn_norm", "post_attention_layernorm"},
                                                       {"attn_output", "self_attn.o_proj"},
                                                       {"attn_q", "self_attn.q_proj"},
                                                       {"attn_k", "self_attn.k_proj"},
                                                       {"attn_v", "self_attn.v_proj"},
                                                       {"ffn_gate", "mlp.gate_proj"},
                                                       {"ffn_up", "mlp.up_proj"},
                                                       {"ffn_down", "mlp.down_proj"},
                                                       {"output.", "lm_head."}};
  for (const auto& [gguf, hf] : words) {
    if (const size_t at = name.find(gguf); at != std::string::npos) {
      name.replace(at, gguf.size(), hf);
      if (gguf != "blk.") break;
    }
  }
  return name;
}

/// The inverse of the interleaving: transformers' halves from GGUF's pairs.
std::vector<std::byte> split_pairs(const StoredTensor& tensor, int64_t heads) {
  std::vector<std::byte> out(tensor.bytes.size());
  const size_t row_bytes = static_cast<size_t>(tensor.shape[1]) * sizeof(float);
  const int64_t half = tensor.shape[0] / heads / 2;
  for (int64_t head = 0; head < heads; ++head) {
    for (int64_t pair = 0; pair < half; ++pair) {
      for (int64_t side = 0; side < 2; ++side) {
        const int64_t from = (head * half + pair) * 2 + side;
        const int64_t to = (head * 2 + side) * half + pair;
        std::memcpy(&out[static_cast<size_t>(to) * row_bytes],
                    &tensor.bytes[static_cast<size_t>(from) * row_bytes], row_bytes);
      }
    }
  }
  return out;
}

TEST(HfFolder, ARealModelComesBackAsItsGguf) {
  const std::string path = test::shared_data("models/stories260K.gguf");
  if (path.empty()) GTEST_SKIP() << "the folder of shared data is not here";
  const Gguf gguf = Gguf::open(path).value();
  SafetensorsWriter shards[2];
  std::vector<std::vector<std::byte>> kept;
  std::string map;
  for (const StoredTensor& t : gguf.tensors()) {
    const bool is_q = t.name.ends_with("attn_q.weight");
    const bool is_k = t.name.ends_with("attn_k.weight");
    if (is_q || is_k) kept.push_back(split_pairs(t, is_q ? 8 : 4));
    const size_t shard = kept.size() % 2;
    const auto bytes = is_q || is_k ? std::span<const std::byte>(kept.back()) : t.bytes;
    ASSERT_TRUE(shards[shard].add(hf_name(t.name), *t.dtype, t.shape, bytes));
    map += fmt::format("{}\"{}\":\"s{}\"", map.empty() ? "" : ",", hf_name(t.name), shard);
  }
  const test::TemporaryFolder folder;
  folder.add("config.json", kConfig);
  folder.add("model.safetensors.index.json", "{\"weight_map\":{" + map + "}}");
  for (size_t i = 0; i < 2; ++i) ASSERT_TRUE(shards[i].write(folder / fmt::format("s{}", i)));

  const Result<ModelSource> source = ModelSource::open(folder.path());
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(source.value().metadata.get_u32("llama.block_count").value(), 5u);
  for (const StoredTensor& expected : gguf.tensors()) {
    const StoredTensor* found = source.value().find(expected.name);
    if (expected.name == "output.weight") continue;  // tied
    ASSERT_NE(found, nullptr) << expected.name;
    EXPECT_EQ(found->shape, expected.shape);
    std::vector<std::byte> bytes(found->bytes.size());
    ASSERT_TRUE(found->copy_to(bytes));
    EXPECT_TRUE(std::ranges::equal(bytes, expected.bytes)) << expected.name;
  }
}

TEST(HfFolder, SaysWhatIsMissing) {
  const test::TemporaryFolder folder;
  const auto message = [&] { return open_hf_folder(folder.path()).error().message; };
  EXPECT_EQ(message(), folder / "config.json: no such file or folder; check the path");
  folder.add("config.json", kConfig);
  EXPECT_EQ(message(), folder.path() + ": no model*.safetensors; fetch the model as safetensors");
  folder.add("pytorch_model.bin", "x");
  EXPECT_EQ(message(), folder.path() +
                           ": no model*.safetensors, only PyTorch pickles, which may "
                           "run code; fetch the model as safetensors");
  folder.add("model.safetensors", "PK\x03\x04");
  EXPECT_EQ(message(), folder /
                           "model.safetensors: not a safetensors file but a zip archive, "
                           "perhaps a PyTorch checkpoint; fetch the model as safetensors");
  const std::string index = "model.safetensors.index.json";
  folder.add(index, "{}");
  EXPECT_EQ(message(), folder / index + ": weight_map is missing; fetch it again");
  for (const char* file : {"\"../secret\"", "\"/etc/passwd\"", "7", "null"}) {
    folder.add(index, fmt::format("{{\"weight_map\":{{\"x\":{}}}}}", file));
    EXPECT_EQ(message(),
              folder / index + ": tensor x does not lie in a file of this folder; fetch it again");
  }
}

TEST(HfFolder, SaysWhenATensorIsMissing) {
  const test::TemporaryFolder folder;
  const std::vector<float> values(4);
  SafetensorsWriter writer;
  ASSERT_TRUE(writer.add("model.embed_tokens.weight", DType::F32, {2, 2},
                         std::as_bytes(std::span(values))));
  ASSERT_TRUE(writer.write(folder / "model.safetensors"));
  std::string untied = kConfig;
  untied.replace(untied.find("true"), 4, "false");
  folder.add("config.json", untied);
  EXPECT_EQ(open_hf_folder(folder.path()).error().message,
            folder.path() +
                ": tensor lm_head.weight is missing; fetch the model again, or set "
                "tie_word_embeddings in config.json");
  folder.add("config.json", kConfig);
  EXPECT_TRUE(open_hf_folder(folder.path()));
  folder.add("model.safetensors.index.json", R"({"weight_map":{"y":"model.safetensors"}})");
  EXPECT_EQ(open_hf_folder(folder.path()).error().message,
            folder / "model.safetensors: tensor y of the index is missing; fetch it again");
}

}  // namespace
}  // namespace verge::format
