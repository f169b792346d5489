#include <gtest/gtest.h>

#include <verge/engine/format/hf/config_writer.hpp>
#include <verge/engine/format/hf/hyper_parameters.hpp>

namespace verge::format {
namespace {

ModelSource source_of(const std::string& architecture) {
  ModelSource source;
  const std::string prefix = architecture + ".";
  source.metadata.set("general.architecture", architecture);
  const std::pair<const char*, uint32_t> sizes[] = {
      {"block_count", 3},           {"embedding_length", 64},    {"feed_forward_length", 96},
      {"context_length", 512},      {"attention.head_count", 4}, {"attention.head_count_kv", 2},
      {"attention.key_length", 16}, {"rope.dimension_count", 16}};
  for (const auto& [key, value] : sizes) source.metadata.set(prefix + key, value);
  source.metadata.set(prefix + "attention.layer_norm_rms_epsilon", 1e-5f);
  source.metadata.set(prefix + "rope.freq_base", 500000.f);
  StoredTensor embedding;
  embedding.name = "token_embd.weight";
  embedding.shape = {100, 64};
  EXPECT_TRUE(source.add(embedding));
  return source;
}

TEST(ConfigWriter, ReadsBackAsTheSameHyperParameters) {
  for (const char* architecture : {"llama", "qwen2", "qwen3"}) {
    for (const uint32_t window : {0u, 256u}) {
      ModelSource source = source_of(architecture);
      const std::string prefix = std::string(architecture) + ".";
      if (window > 0) source.metadata.set(prefix + "attention.sliding_window", window);
      const auto text = hf_config(source, DType::F16);
      ASSERT_TRUE(text) << text.error().message;
      const auto read = read_hyper_parameters(*JsonObject::parse(*text, "config.json"));
      ASSERT_TRUE(read) << read.error().message;
      EXPECT_TRUE(read->tied);
      for (const Entry& entry : source.metadata.entries()) {
        const Value* value = read->metadata.find(entry.key);
        ASSERT_NE(value, nullptr) << entry.key;
        EXPECT_EQ(value->str(), entry.value.str()) << entry.key;
      }
    }
  }
}

TEST(ConfigWriter, NamesTheTypeBesideIt) {
  const auto text = hf_config(source_of("llama"), DType::BF16);
  EXPECT_NE(text->find("\"torch_dtype\": \"bfloat16\""), std::string::npos) << *text;
}

TEST(ConfigWriter, WritesDecimalsAsPeopleDo) {
  const auto text = hf_config(source_of("llama"), DType::F16);
  EXPECT_NE(text->find("\"rms_norm_eps\": 1e-05"), std::string::npos) << *text;
  EXPECT_NE(text->find("\"rope_theta\": 500000.0"), std::string::npos) << *text;
}

TEST(ConfigWriter, RefusesWhatItHasNoWordsFor) {
  EXPECT_EQ(hf_config(source_of("phi3"), DType::F16).error().code, Code::Unsupported);
  ModelSource experts = source_of("llama");
  experts.metadata.set("llama.expert_count", 8u);
  EXPECT_EQ(hf_config(experts, DType::F16).error().code, Code::Unsupported);
  ModelSource odd = source_of("llama");
  odd.metadata.set("llama.rope.scaling.type", "longrope");
  EXPECT_NE(hf_config(odd, DType::F16).error().message.find("longrope"), std::string::npos);
  ModelSource missing;
  EXPECT_EQ(hf_config(missing, DType::F16).error().code, Code::NotFound);
}

}  // namespace
}  // namespace verge::format
