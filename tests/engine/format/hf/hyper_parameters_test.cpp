#include <gtest/gtest.h>

#include <verge/engine/format/hf/hyper_parameters.hpp>

namespace verge::format {
namespace {

Result<HyperParameters> read(std::string_view json) {
  VERGE_TRY(const JsonObject config, JsonObject::parse(json, "config.json"));
  return read_hyper_parameters(config);
}

TEST(HyperParameters, TranslatesEveryKey) {
  const auto p = read(R"({"model_type":"mistral","num_hidden_layers":2,"hidden_size":64,
      "intermediate_size":172,"max_position_embeddings":512,"num_attention_heads":8,
      "num_key_value_heads":4,"vocab_size":500,"rms_norm_eps":1e-05,"rope_theta":1000000.0,
      "sliding_window":128,"tie_word_embeddings":true})");
  ASSERT_TRUE(p) << p.error().message;
  const Metadata& m = p.value().metadata;
  EXPECT_EQ(m.get_string("general.architecture").value(), "llama");
  const std::pair<const char*, uint32_t> numbers[] = {
      {"block_count", 2},          {"embedding_length", 64},    {"feed_forward_length", 172},
      {"context_length", 512},     {"attention.head_count", 8}, {"attention.head_count_kv", 4},
      {"attention.key_length", 8}, {"rope.dimension_count", 8}, {"attention.sliding_window", 128},
      {"vocab_size", 500}};
  for (const auto& [key, value] : numbers) {
    EXPECT_EQ(m.get_u32(std::string("llama.") + key).value(), value) << key;
  }
  EXPECT_EQ(m.get_f32("llama.attention.layer_norm_rms_epsilon").value(), 1e-5f);
  EXPECT_EQ(m.get_f32("llama.rope.freq_base").value(), 1e6f);
  EXPECT_TRUE(p.value().tied);
}

TEST(HyperParameters, FillsInWhatTransformersLeavesOut) {
  const auto p = read(R"({"model_type":"gemma3","text_config":{"model_type":"gemma3_text",
      "num_hidden_layers":34,"hidden_size":2560,"intermediate_size":10240,"sliding_window":1024,
      "rope_scaling":{"rope_type":"linear","factor":8.0}}})");
  ASSERT_TRUE(p) << p.error().message;
  const Metadata& m = p.value().metadata;
  EXPECT_EQ(m.get_u32("gemma3.attention.head_count").value(), 8u);
  EXPECT_EQ(m.get_u32("gemma3.attention.head_count_kv").value(), 4u);
  EXPECT_EQ(m.get_u32("gemma3.attention.key_length").value(), 256u);
  EXPECT_EQ(m.get_u32("gemma3.context_length").value(), 131072u);
  EXPECT_EQ(m.get_f32("gemma3.rope.freq_base").value(), 1e6f);
  EXPECT_EQ(m.get_string("gemma3.rope.scaling.type").value(), "linear");
  EXPECT_EQ(m.get_f32("gemma3.rope.scaling.factor").value(), 8.f);
  EXPECT_TRUE(p.value().tied);
}

TEST(HyperParameters, QwensWindowIsOffUnlessAskedFor) {
  const std::string rest =
      R"("model_type":"qwen2","num_hidden_layers":1,"hidden_size":8,"intermediate_size":8,)"
      R"("num_attention_heads":1,"sliding_window":16})";
  EXPECT_FALSE(read("{" + rest).value().metadata.contains("qwen2.attention.sliding_window"));
  const auto on = read("{\"use_sliding_window\":true," + rest);
  EXPECT_TRUE(on.value().metadata.contains("qwen2.attention.sliding_window"));
}

TEST(HyperParameters, NamesTheFieldThatIsWrong) {
  const std::string sizes =
      R"("num_hidden_layers":1,"hidden_size":8,"intermediate_size":8,"model_type":"llama")";
  const std::pair<std::string, std::string> cases[] = {
      {"{}", "config.json: field model_type is missing; fetch it again"},
      {R"({"model_type":"llama"})",
       "config.json: field num_hidden_layers is missing; fetch it again"},
      {"{\"num_attention_heads\":0," + sizes + "}",
       "config.json: field num_attention_heads is 0; fetch it again"},
      {"{\"num_attention_heads\":16," + sizes + "}",
       "config.json: heads of 0 values, 0 of them rotated; fetch it again"},
      {"{\"num_attention_heads\":1,\"head_dim\":4000000000," + sizes + "}",
       "config.json: heads of 4000000000 values, 4000000000 of them rotated; fetch it again"},
      {"{\"num_attention_heads\":1,\"partial_rotary_factor\":-1," + sizes + "}",
       "config.json: heads of 8 values, -8 of them rotated; fetch it again"},
      {"{\"num_attention_heads\":1,\"rope_theta\":-1," + sizes + "}",
       "config.json: field rope_theta is -1, expected a positive number; fetch it again"},
      {"{\"num_attention_heads\":1,\"rope_scaling\":{\"type\":\"dynamic\"}," + sizes + "}",
       "config.json: rope_scaling of type dynamic is not supported; without it the model runs up "
       "to its original context"},
  };
  for (const auto& [json, message] : cases) EXPECT_EQ(read(json).error().message, message);
}

}  // namespace
}  // namespace verge::format
