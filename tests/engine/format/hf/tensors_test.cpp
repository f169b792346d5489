#include <cstring>

#include <gtest/gtest.h>

#include <verge/engine/format/hf/tensors.hpp>

namespace verge::format {
namespace {

template <typename T>
StoredTensor tensor_of(std::string name, DType dtype, Shape shape, const std::vector<T>& values) {
  StoredTensor tensor;
  tensor.name = std::move(name);
  tensor.dtype = dtype;
  tensor.shape = shape;
  tensor.bytes = std::as_bytes(std::span(values));
  return tensor;
}

HyperParameters parameters(std::string_view type, uint32_t heads, uint32_t kv_heads) {
  HyperParameters out;
  out.family = hf_family(type).value();
  out.heads = heads;
  out.kv_heads = kv_heads;
  return out;
}

std::vector<float> floats(const StoredTensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  EXPECT_TRUE(tensor.copy_to(std::as_writable_bytes(std::span(values))));
  return values;
}

TEST(HfTensors, InterleavesLlamasQueriesAndKeys) {
  // Two heads of four rows: rows 0 1 | 2 3 of a head become 0 2 1 3.
  const std::vector<float> rows{0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5};
  ModelSource source;
  const StoredTensor q =
      tensor_of("model.layers.0.self_attn.q_proj.weight", DType::F32, {8, 2}, rows);
  const StoredTensor v =
      tensor_of("model.layers.0.self_attn.v_proj.weight", DType::F32, {8, 2}, rows);
  ASSERT_TRUE(add_hf_tensor(parameters("llama", 2, 1), q, source));
  ASSERT_TRUE(add_hf_tensor(parameters("llama", 2, 1), v, source));
  EXPECT_EQ(floats(*source.find("blk.0.attn_q.weight")),
            (std::vector<float>{0, 0.5, 2, 2.5, 1, 1.5, 3, 3.5, 4, 4.5, 6, 6.5, 5, 5.5, 7, 7.5}));
  EXPECT_EQ(floats(*source.find("blk.0.attn_v.weight")), rows);
  ModelSource other;
  ASSERT_TRUE(add_hf_tensor(parameters("qwen2", 2, 1), q, other));
  EXPECT_EQ(floats(*other.find("blk.0.attn_q.weight")), rows);
  ModelSource wrong;
  EXPECT_EQ(add_hf_tensor(parameters("llama", 3, 1), q, wrong).error().message,
            "tensor blk.0.attn_q.weight: shape [8, 2] cannot be split into 3 heads");
}

TEST(HfTensors, WidensVectorsAndAddsGemmasOne) {
  const std::vector<uint16_t> half{f32_to_bf16(0.5f), f32_to_bf16(-1.f)};
  const StoredTensor norm = tensor_of("model.norm.weight", DType::BF16, {2}, half);
  ModelSource llama;
  ASSERT_TRUE(add_hf_tensor(parameters("llama", 1, 1), norm, llama));
  EXPECT_EQ(llama.find("output_norm.weight")->dtype, DType::F32);
  EXPECT_EQ(floats(*llama.find("output_norm.weight")), (std::vector<float>{0.5f, -1.f}));
  ModelSource gemma;
  ASSERT_TRUE(add_hf_tensor(parameters("gemma2", 1, 1), norm, gemma));
  EXPECT_EQ(floats(*gemma.find("output_norm.weight")), (std::vector<float>{1.5f, 0.f}));
}

TEST(HfTensors, DropsATiedOutputAndRefusesStrangers) {
  const std::vector<float> values(4);
  HyperParameters tied = parameters("llama", 1, 1);
  tied.tied = true;
  ModelSource source;
  ASSERT_TRUE(add_hf_tensor(tied, tensor_of("lm_head.weight", DType::F32, {2, 2}, values), source));
  EXPECT_TRUE(source.tensors().empty());
  const Status status = add_hf_tensor(
      tied, tensor_of("model.layers.0.moe.weight", DType::F32, {2, 2}, values), source);
  EXPECT_EQ(status.error().message,
            "tensor model.layers.0.moe.weight: a llama model has none of this name; fetch the "
            "unquantized model, or one as GGUF");
}

}  // namespace
}  // namespace verge::format
