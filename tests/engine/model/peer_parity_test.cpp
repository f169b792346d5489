// Logits of every family, type and way of feeding the prompt against llama.cpp's.

#include <gtest/gtest.h>

#include "peers.hpp"
#include "tiny_models.hpp"

namespace verge::model {
namespace {

using test::TemporaryFolder;

constexpr int kPrompt = 120;  // beyond the windows of 8 and into the fourth page of 32

// One run, ragged chunks with single tokens between, and token by token.
const std::vector<size_t> kFeeds[] = {{kPrompt}, {1, 7, 32, 2, 45}, {1}};

void expect_parity(const std::string& path, double bound, int vocab) {
  const std::vector<int32_t> tokens = test::random_tokens(kPrompt, vocab);
  const std::vector<float> expected = llama_peer_logits(path, tokens);
  ThreadPool pool(1);
  const auto model = test::load_model(path, pool, test::all_logits_options());
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->decoder().prefill.reference_nodes(), std::vector<std::string>{});
  EXPECT_EQ(model->decoder().decode.reference_nodes(), std::vector<std::string>{});
  for (const auto& chunks : kFeeds) {
    const double error = test::relative_error(test::logits_of(*model, tokens, chunks), expected);
    EXPECT_LE(error, bound) << path << ", chunks of " << chunks.front();
  }
}

struct FamilyCase {
  const char* shape;
  double bound;
};

void PrintTo(const FamilyCase& family, std::ostream* out) {
  *out << family.shape;
}

class FamilyParity : public testing::TestWithParam<FamilyCase> {};

TEST_P(FamilyParity, F32LogitsEqualLlamaCpp) {
  if (llama_peer().empty()) GTEST_SKIP() << llama_peer_missing();
  const TemporaryFolder folder;
  const build::RandomModelSpec spec = test::tiny_spec(GetParam().shape);
  expect_parity(test::write_model(folder, spec), GetParam().bound, spec.vocab);
}

// llama.cpp looks GELU up in a table of half floats, which alone moves Gemma's logits by 1e-4:
// gelu_table_test.cpp puts that table into the reference, and the difference is gone.
constexpr double kExact = 1e-5, kGeluTable = 3e-4;

INSTANTIATE_TEST_SUITE_P(
    Families, FamilyParity,
    testing::Values(FamilyCase{"tiny-llama", kExact}, FamilyCase{"tiny-mistral", kExact},
                    FamilyCase{"tiny-mixtral", kExact}, FamilyCase{"tiny-qwen2", kExact},
                    FamilyCase{"tiny-qwen3", kExact}, FamilyCase{"tiny-qwen3moe", kExact},
                    FamilyCase{"tiny-gemma", kGeluTable}, FamilyCase{"tiny-gemma2", kGeluTable},
                    FamilyCase{"tiny-gemma3", kGeluTable}, FamilyCase{"tiny-phi3", kExact}));

// llama.cpp rounds activations to the weights' kind: to f16 (2^-11), bf16 (2^-9), 8 bits in blocks
// of 32, or, beside the K types, 8 bits in blocks of 256. Verge keeps f32 beside f16 and uses
// blocks of 32 throughout. The bounds are the noise of that rounding after all layers.
struct TypeCase {
  DType dtype;
  double bound;
};

void PrintTo(const TypeCase& type, std::ostream* out) {
  *out << name(type.dtype);
}

class TypeParity : public testing::TestWithParam<std::tuple<const char*, TypeCase>> {};

TEST_P(TypeParity, RoundedLogitsAreNearLlamaCpp) {
  if (llama_peer().empty()) GTEST_SKIP() << llama_peer_missing();
  const auto [shape, type] = GetParam();
  const TemporaryFolder folder;
  build::RandomModelSpec spec = test::wide_spec(shape);
  // Rounding tips a router's near ties; with all experts chosen, only the rounding itself shows.
  if (is_quantized(type.dtype)) spec.experts_used = spec.experts;
  expect_parity(test::write_model(folder, spec, type.dtype), type.bound, spec.vocab);
}

INSTANTIATE_TEST_SUITE_P(
    Types, TypeParity,
    testing::Combine(testing::Values("tiny-llama", "tiny-qwen3moe", "tiny-gemma3", "tiny-phi3"),
                     testing::Values(TypeCase{DType::F16, 2e-3}, TypeCase{DType::BF16, 1e-2},
                                     TypeCase{DType::Q8_0, 0.04}, TypeCase{DType::Q4_0, 0.04},
                                     TypeCase{DType::Q4_K, 0.07}, TypeCase{DType::Q5_K, 0.07},
                                     TypeCase{DType::Q6_K, 0.07})));

struct RopeCase {
  const char* title;
  const char* shape;
  std::function<void(format::Metadata&)> edit;
  std::vector<std::pair<std::string, std::vector<float>>> tensors = {};
};

std::vector<float> ramp(size_t count, float first, float last) {
  std::vector<float> values;
  for (size_t i = 0; i < count; ++i) {
    values.push_back(first + (last - first) * static_cast<float>(i) / static_cast<float>(count));
  }
  return values;
}

void scale(format::Metadata& metadata, const std::string& family, const char* type) {
  metadata.set(family + ".rope.scaling.type", type);
  metadata.set(family + ".rope.scaling.factor", 4.0f);
  metadata.set(family + ".rope.scaling.original_context_length", uint32_t{64});
}

// Of a prompt of 120 tokens, whose cache both programs round to 256 at most.
void set_phi3_contexts(format::Metadata& metadata, uint32_t context, uint32_t original) {
  metadata.set("phi3.context_length", context);
  metadata.set("phi3.rope.scaling.original_context_length", original);
  metadata.set("phi3.rope.scaling.attn_factor", 1.19f);
}

std::vector<RopeCase> rope_cases() {
  const std::vector<std::pair<std::string, std::vector<float>>> longrope = {
      {"rope_factors_long.weight", ramp(8, 1, 30)}, {"rope_factors_short.weight", ramp(8, 1, 2)}};
  return {
      {"linear", "tiny-llama", [](auto& m) { scale(m, "llama", "linear"); }},
      {"yarn", "tiny-llama", [](auto& m) { scale(m, "llama", "yarn"); }},
      {"yarn-half", "tiny-qwen2", [](auto& m) { scale(m, "qwen2", "yarn"); }},
      {"llama3", "tiny-llama", [](auto&) {}, {{"rope_freqs.weight", ramp(16, 1, 8)}}},
      {"gemma3-linear", "tiny-gemma3", [](auto& m) { scale(m, "gemma3", "linear"); }},
      {"phi3-long", "tiny-phi3", [](auto& m) { set_phi3_contexts(m, 256, 64); }, longrope},
      {"phi3-short", "tiny-phi3", [](auto& m) { set_phi3_contexts(m, 4096, 256); }, longrope},
  };
}

TEST(RopeParity, EveryScalingEqualsLlamaCpp) {
  if (llama_peer().empty()) GTEST_SKIP() << llama_peer_missing();
  for (const RopeCase& rope : rope_cases()) {
    SCOPED_TRACE(rope.title);
    const TemporaryFolder folder;
    const build::RandomModelSpec spec = test::tiny_spec(rope.shape);
    const std::string plain = test::write_model(folder, spec);
    const bool is_gemma = spec.architecture.starts_with("gemma");
    expect_parity(test::rewrite_model(plain, rope.title, rope.edit, rope.tensors),
                  is_gemma ? kGeluTable : kExact, spec.vocab);
  }
}

// llama.cpp ignores the window of this family's files; Verge applies it, as Mistral 7B v0.1 needs.
TEST(WindowParity, MistralEqualsLlamaCppUntilTheWindowIsFull) {
  if (llama_peer().empty()) GTEST_SKIP() << llama_peer_missing();
  const TemporaryFolder folder;
  build::RandomModelSpec spec = test::tiny_spec("tiny-mistral");
  spec.sliding_window = 40;
  const std::string path = test::write_model(folder, spec);
  const std::vector<int32_t> tokens = test::random_tokens(60, spec.vocab);
  const std::vector<float> expected = llama_peer_logits(path, tokens);
  ThreadPool pool(1);
  const auto model = test::load_model(path, pool, test::all_logits_options());
  const std::vector<float> got = test::logits_of(*model, tokens, {60});
  const auto row = [&](const std::vector<float>& all, int64_t first, int64_t count) {
    return std::span(all).subspan(static_cast<size_t>(first * spec.vocab),
                                  static_cast<size_t>(count * spec.vocab));
  };
  EXPECT_LE(test::relative_error(row(got, 0, 40), row(expected, 0, 40)), kExact);
  EXPECT_GT(test::relative_error(row(got, 40, 1), row(expected, 40, 1)), 1e-3);
}

}  // namespace
}  // namespace verge::model
