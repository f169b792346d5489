// Kernels of language models: products with packed weights, experts, attention over a paged cache.

#include <gtest/gtest.h>

#include "op_agreement.hpp"

namespace verge::kernels {
namespace {

// Kernels round activations to 8 bits for block types, to bf16 for bf16 weights.
struct Weight {
  DType type;
  double tolerance;
};
constexpr Weight kWeights[] = {{DType::F32, 1e-4},  {DType::F16, 1e-4},   {DType::BF16, 0.02},
                               {DType::Q8_0, 0.03}, {DType::Q4_0, 0.03},  {DType::Q4_K, 0.03},
                               {DType::Q6_K, 0.03}, {DType::IQ4_NL, 0.03}};
constexpr int64_t kIn = 256;

TEST(LinearOps, PackedWeightsWithBiasAndResidual) {
  for (const auto& [type, tolerance] : kWeights) {
    for (const int64_t tokens : {1, 5, 37}) {
      const OpInput x = reals({tokens, kIn}), w = packed(type, {19, kIn});
      expect_agreement({"linear", {x, w}, {}, tolerance});
      expect_agreement({"linear", {x, w, reals({19}), reals({tokens, 19})}, {}, tolerance});
      expect_agreement({"linear", {x, w, absent(), reals({tokens, 19})}, {}, tolerance});
    }
  }
}

TEST(LinearOps, FloatWeightsAndActivations) {
  for (const char* activation : {"none", "relu", "silu", "gelu", "gelu_erf"}) {
    const graph::Attrs attrs{{"activation", std::string(activation)}};
    expect_agreement({"linear", {reals({2, 3, 21}), reals({13, 21}), reals({13})}, attrs});
    expect_agreement({"linear", {reals({1, 64}), reals({40, 64})}, attrs});
  }
  expect_agreement({"linear", {reals({6, 21}), reals({13, 21}), reals({13}), reals({6, 13})}});
  const graph::Attrs bf16{{"compute", std::string("bf16")}};
  expect_agreement({"linear", {reals({6, 64}), stored(DType::F32, {40, 64})}, bf16, 0.02});
}

TEST(LinearOps, SeveralProductsOfOneInput) {
  for (const auto& [type, tolerance] : kWeights) {
    for (const int64_t tokens : {1, 9}) {
      const OpInput x = reals({tokens, kIn});
      const OpInput q = packed(type, {32, kIn}), k = packed(type, {17, kIn});
      expect_agreement({"linear_multi", {x, q, reals({32}), k, absent()}, {}, tolerance});
      expect_agreement({"linear_glu", {x, q, q}, {{"activation", std::string("silu")}}, tolerance});
    }
  }
}

TEST(LinearOps, NormaliseRowsWhileTheyPrepareThem) {
  const graph::Attrs plain{{"norm_eps", 1e-3}};
  graph::Attrs gated = plain;
  gated.set("activation", std::string("silu"));
  for (const auto& [type, tolerance] : kWeights) {
    for (const int64_t tokens : {1, 9}) {
      const OpInput x = reals({tokens, kIn}), norm = positive({kIn});
      const OpInput q = packed(type, {32, kIn}), k = packed(type, {17, kIn});
      const OpInput sum = reals({tokens, 32});
      expect_agreement({"linear", {x, q, absent(), sum, norm}, plain, tolerance});
      expect_agreement({"linear_multi", {x, q, reals({32}), k, absent(), norm}, plain, tolerance});
      expect_agreement({"linear_glu", {x, q, q, norm}, gated, tolerance});
    }
  }
}

TEST(ExpertOps, OnlyTheChosenExpertsCount) {
  for (const auto& [type, tolerance] : kWeights) {
    const OpInput w = packed(type, {5, 32, kIn});
    for (const int64_t tokens : {1, 3, 12}) {
      const OpInput ids = below(5, {tokens, 2});
      expect_agreement({"expert_linear", {reals({tokens, 1, kIn}), w, ids}, {}, tolerance});
      expect_agreement({"expert_linear", {reals({tokens, 2, kIn}), w, ids}, {}, tolerance});
    }
  }
  expect_agreement({"expert_combine", {reals({7, 3, 45}), reals({7, 3})}});
  for (const int64_t normalize : {0, 1}) {
    const graph::Attrs attrs{{"k", int64_t{3}}, {"normalize", normalize}};
    expect_agreement({"top_k_experts", {reals({6, 10})}, attrs});
    expect_agreement({"top_k_experts", {below(3, {6, 10}, DType::F32)}, attrs});  // ties
  }
}

// Two sequences of pages in no order; the first has 3 new tokens, the second 1.
TEST(PagedAttentionOps, ReadWhatTheCacheHolds) {
  const OpInput pages = given({2, 3}, {4, 1, 6, 0, 5, 2}, DType::I32);
  const OpInput sequence = given({4}, {0, 0, 0, 1}, DType::I32);
  const OpInput positions = given({4}, {6, 7, 8, 2}, DType::I32);
  for (const DType type : {DType::F32, DType::F16, DType::BF16, DType::Q8_0}) {
    for (const double softcap : {0.0, 5.0}) {
      for (const int64_t window : {0, 3}) {
        const graph::Attrs attrs{
            {"page_tokens", int64_t{4}}, {"scale", 0.2}, {"softcap", softcap}, {"window", window}};
        expect_agreement(
            {"paged_attention",
             {reals({4, 6, 32}), stored(type, {7, 2, 3, 4, 32}), pages, sequence, positions},
             attrs,
             5e-3});
      }
    }
  }
}

TEST(KvAppendOps, WritesTheSlotsAndNoOthers) {
  for (const DType type : {DType::F32, DType::F16, DType::BF16, DType::Q8_0}) {
    const OpInput slots = given({5}, {0, 5, 11, 6, 8}, DType::I32);
    const OpInput tokens = given({5}, {0, 1, 2, 3, 1}, DType::I32);
    expect_agreement(
        {"kv_append",
         {stored(type, {3, 2, 2, 4, 64}), reals({4, 2, 64}), reals({4, 2, 64}), slots, tokens},
         {},
         1e-6});
  }
}

TEST(AttentionOps, GroupedHeadsCausalOrNot) {
  for (const int64_t causal : {0, 1}) {
    const graph::Attrs attrs{{"scale", 0.3}, {"causal", causal}};
    const OpInput kv = reals({2, 13, 2, 20});
    expect_agreement({"attention", {reals({2, 13, 6, 20}), kv, kv}, attrs});
    expect_agreement({"attention", {reals({2, 13, 6, 20}), kv, kv}, attrs, 2e-4, {1}});
  }
}

}  // namespace
}  // namespace verge::kernels
