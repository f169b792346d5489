#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include <verge/engine/format/gguf/reader.hpp>
#include <verge/engine/quant/dequantize.hpp>
#include <verge/stages/build/random_model/random_model.hpp>

namespace verge::build {
namespace {

std::string temporary_file(std::string_view name) {
  return std::filesystem::path(testing::TempDir()) / fmt::format("random_model_{}.gguf", name);
}

RandomModelSpec spec_named(std::string_view name) {
  auto spec = random_model_spec(name);
  EXPECT_TRUE(spec.ok()) << spec.error().message;
  return *spec;
}

std::string written_bytes(const RandomModelSpec& spec, int threads) {
  ThreadPool pool(threads);
  const std::string path = temporary_file("bytes");
  const Status status = write_random_model(spec, path, pool);
  EXPECT_TRUE(status.ok()) << status.error().message;
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string error_of(const RandomModelSpec& spec) {
  ThreadPool pool(1);
  const Status status = write_random_model(spec, temporary_file("error"), pool);
  return status.ok() ? "no error" : status.error().message;
}

TEST(RandomModel, EveryTinyShapeIsAReadableFileWithTheParametersItClaims) {
  ThreadPool pool(2);
  for (const std::string& name : random_model_names()) {
    if (!name.starts_with("tiny-")) continue;
    const RandomModelSpec spec = spec_named(name);
    const std::string path = temporary_file(name);
    ASSERT_TRUE(write_random_model(spec, path, pool).ok()) << name;
    auto file = format::Gguf::open(path);
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_EQ(*file->metadata().get_string("general.architecture"), spec.architecture);
    EXPECT_EQ(*file->metadata().get_u32(spec.architecture + ".block_count"),
              static_cast<uint32_t>(spec.layers));
    int64_t parameters = 0;
    for (const format::StoredTensor& tensor : file->tensors()) parameters += tensor.shape.count();
    EXPECT_EQ(parameters, parameter_count(spec)) << name;
  }
}

TEST(RandomModel, PublishedShapesHaveTheirPublishedParameterCounts) {
  const std::pair<const char*, int64_t> published[] = {
      {"stories-15m", 15191712},   {"stories-110m", 109529856},    {"smollm-135m", 134515008},
      {"qwen2.5-0.5b", 494032768}, {"tinyllama-1.1b", 1100048384}, {"llama-7b", 6738415616}};
  for (const auto& [name, count] : published) {
    EXPECT_EQ(parameter_count(spec_named(name)), count) << name;
  }
}

TEST(RandomModel, BytesDependOnTheSeedAndNotOnTheThreads) {
  RandomModelSpec spec = spec_named("stories-7m");  // large enough for the block pool
  spec.dtype = [](std::string_view, const Shape&) { return DType::Q4_0; };
  const std::string one = written_bytes(spec, 1);
  EXPECT_EQ(one, written_bytes(spec, 3));
  spec.seed = 2;
  EXPECT_NE(one, written_bytes(spec, 1));
}

TEST(RandomModel, EveryTypeKeepsTheSpreadOfTheWeights) {
  ThreadPool pool(2);
  for (const DType dtype :
       {DType::F32, DType::F16, DType::BF16, DType::Q4_0, DType::Q8_0, DType::Q4_K, DType::Q6_K}) {
    RandomModelSpec spec = spec_named("tiny-llama");
    spec.d_model = 256;
    spec.ffn = 2560;  // ffn_up is drawn from the pool, attn_k value by value
    spec.dtype = [&](std::string_view, const Shape& shape) {
      return shape.back() % 256 == 0 ? dtype : DType::F32;
    };
    const std::string path = temporary_file("types");
    ASSERT_TRUE(write_random_model(spec, path, pool).ok());
    auto file = format::Gguf::open(path);
    ASSERT_TRUE(file.ok());
    for (const char* name : {"blk.0.ffn_up.weight", "blk.1.attn_k.weight"}) {
      const format::StoredTensor* tensor = file->find(name);
      ASSERT_EQ(tensor->dtype, dtype);
      std::vector<float> values(static_cast<size_t>(tensor->shape.count()));
      quant::dequantize_row(dtype, tensor->bytes.data(), values.data(), tensor->shape.count());
      double squares = 0;
      for (const float value : values) squares += double{value} * value;
      EXPECT_NEAR(std::sqrt(squares / static_cast<double>(values.size())), 1.0 / 16, 0.003);
    }
  }
}

TEST(RandomModel, RefusesShapesThatContradictThemselves) {
  const auto changed = [](const char* name, auto change) {
    RandomModelSpec spec = spec_named(name);
    change(spec);
    return error_of(spec);
  };
  EXPECT_EQ(changed("tiny-llama", [](auto& s) { s.kv_heads = 2; }),
            "3 heads cannot share 2 kv_heads evenly");
  EXPECT_EQ(changed("tiny-llama", [](auto& s) { s.head_dim = 31; }),
            "head_dim is 31; RoPE turns pairs: make it even");
  EXPECT_EQ(changed("tiny-llama", [](auto& s) { s.layers = 0; }), "layers is 0; it must be > 0");
  EXPECT_EQ(changed("tiny-qwen2", [](auto& s) { s.head_dim = 16; }),
            "7 heads of 16 are not d_model 224; qwen2 needs heads * head_dim = d_model");
  EXPECT_EQ(changed("tiny-phi3", [](auto& s) { s.experts = 4; }),
            "experts is 4, which phi3 does not allow");
  EXPECT_EQ(changed("tiny-mixtral", [](auto& s) { s.experts_used = 5; }),
            "experts_used is 5 of 4 experts");
  EXPECT_EQ(changed("tiny-llama", [](auto& s) { s.architecture = "rwkv"; }),
            "architecture rwkv is unknown; known are llama, qwen2, qwen3, qwen3moe, gemma, gemma2, "
            "gemma3, phi3");
  EXPECT_EQ(changed("tiny-llama", [](auto& s) { s.vocab = 100; }),
            "vocab is 100; bytes, characters and special tokens alone are 354: take more");
  EXPECT_EQ(
      changed("tiny-llama", [](auto& s) { s.dtype = [](auto, auto&) { return DType::TQ1_0; }; }),
      "token_embd.weight: values cannot be written as tq1_0; take another type");
}

}  // namespace
}  // namespace verge::build
