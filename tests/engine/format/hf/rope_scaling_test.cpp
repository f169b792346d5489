#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/format/hf/rope_scaling.hpp>

namespace verge::format {
namespace {

HyperParameters scaled(std::string_view json, uint32_t dims, std::string_view type = "llama") {
  HyperParameters out;
  out.family = hf_family(type).value();
  const Status status = read_rope_scaling(JsonObject::parse(json, "c").value(), dims, out);
  EXPECT_TRUE(status) << status.error().message;
  return out;
}

TEST(RopeScaling, Llama3KeepsShortWavesAndSlowsLongOnes) {
  const HyperParameters p = scaled(
      R"({"rope_theta":500000.0,"max_position_embeddings":131072,"rope_scaling":{"factor":8.0,
      "high_freq_factor":4.0,"low_freq_factor":1.0,"original_max_position_embeddings":8192,
      "rope_type":"llama3"}})",
      128);
  ASSERT_EQ(p.rope_factors.size(), 1u);
  EXPECT_EQ(p.rope_factors[0].name, "rope_freqs.weight");
  const std::vector<float>& values = p.rope_factors[0].values;
  ASSERT_EQ(values.size(), 64u);
  EXPECT_EQ(values[0], 1.f);
  EXPECT_EQ(values[63], 8.f);
  // By hand: pair 30 has wavelength 2 pi 5e5^(60/128) = 2949.6, so 2.7773 waves in 8192 tokens;
  // blend (2.7773 - 1) / 3 = 0.59243; divisor 1 / (0.40757 / 8 + 0.59243) = 1.5543.
  EXPECT_NEAR(values[30], 1.5543f, 2e-3f);
  EXPECT_TRUE(std::ranges::is_sorted(values));
}

TEST(RopeScaling, LongropeKeepsBothListsOfFactors) {
  const HyperParameters p = scaled(
      R"({"max_position_embeddings":131072,"original_max_position_embeddings":4096,
      "rope_scaling":{"type":"longrope","short_factor":[1.0,1.1],"long_factor":[2,3]}})",
      4, "phi3");
  ASSERT_EQ(p.rope_factors.size(), 2u);
  EXPECT_EQ(p.rope_factors[0].name, "rope_factors_long.weight");
  EXPECT_EQ(p.rope_factors[1].values, (std::vector<float>{1.f, 1.1f}));
  EXPECT_NEAR(p.metadata.get_f32("phi3.rope.scaling.attn_factor").value(),
              std::sqrt(1 + std::log(32.0) / std::log(4096.0)), 1e-6);
  EXPECT_EQ(p.metadata.get_u32("phi3.rope.scaling.original_context_length").value(), 4096u);
}

TEST(RopeScaling, ReadsTheFormOfTransformers5) {
  const HyperParameters p = scaled(
      R"({"max_position_embeddings":40960,"rope_parameters":{"rope_type":"yarn",
      "rope_theta":1000000,"factor":4.0,"original_max_position_embeddings":10240,"beta_fast":16}})",
      8, "qwen3");
  EXPECT_EQ(p.metadata.get_f32("qwen3.rope.freq_base").value(), 1e6f);
  EXPECT_EQ(p.metadata.get_string("qwen3.rope.scaling.type").value(), "yarn");
  EXPECT_EQ(p.metadata.get_f32("qwen3.rope.scaling.factor").value(), 4.f);
  EXPECT_EQ(p.metadata.get_f32("qwen3.rope.scaling.yarn_beta_fast").value(), 16.f);
  EXPECT_EQ(p.metadata.get_u32("qwen3.rope.scaling.original_context_length").value(), 10240u);
}

TEST(RopeScaling, RefusesFactorsOfTheWrongNumber) {
  HyperParameters out;
  out.family = hf_family("phi3").value();
  const JsonObject config =
      JsonObject::parse(R"({"rope_scaling":{"type":"su","long_factor":[1]}})", "c").value();
  EXPECT_EQ(read_rope_scaling(config, 4, out).error().message,
            "c: rope_scaling: field long_factor has 1 numbers, expected 2; fetch it again");
}

}  // namespace
}  // namespace verge::format
