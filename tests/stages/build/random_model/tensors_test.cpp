#include <algorithm>

#include <gtest/gtest.h>

#include <verge/stages/build/random_model/tensors.hpp>

namespace verge::build {
namespace {

Shape shape_in(const char* model, std::string_view tensor) {
  const std::vector<RandomTensor> tensors = random_tensors(*random_model_spec(model));
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const RandomTensor& t) { return t.name == tensor; });
  return found == tensors.end() ? Shape{} : found->shape;
}

TEST(Tensors, EachFamilyHasItsOwn) {
  const struct {
    const char* model;
    const char* tensor;
    Shape shape;  // rank 0: absent
  } cases[] = {
      {"tiny-llama", "output.weight", {512, 96}},
      {"tiny-llama", "blk.1.attn_k.weight", {32, 96}},
      {"tiny-llama", "blk.2.attn_k.weight", {}},
      {"tiny-qwen2", "output.weight", {}},
      {"tiny-qwen2", "blk.0.attn_q.bias", {224}},
      {"tiny-qwen3", "blk.0.attn_q.weight", {160, 128}},
      {"tiny-qwen3", "blk.0.attn_q_norm.weight", {32}},
      {"tiny-gemma2", "blk.0.post_ffw_norm.weight", {96}},
      {"tiny-gemma3", "blk.6.attn_k_norm.weight", {32}},
      {"tiny-phi3", "blk.0.attn_qkv.weight", {192, 96}},
      {"tiny-phi3", "blk.0.ffn_up.weight", {384, 96}},
      {"tiny-phi3", "blk.0.ffn_gate.weight", {}},
      {"tiny-mixtral", "blk.0.ffn_gate_inp.weight", {4, 64}},
      {"tiny-qwen3moe", "blk.1.ffn_down_exps.weight", {8, 128, 64}},
  };
  for (const auto& c : cases) EXPECT_EQ(shape_in(c.model, c.tensor), c.shape) << c.tensor;
}

TEST(Tensors, TheTypeIsAskedForMatricesOnly) {
  RandomModelSpec spec = *random_model_spec("tiny-mixtral");
  spec.dtype = [](std::string_view, const Shape&) { return DType::Q8_0; };
  for (const RandomTensor& tensor : random_tensors(spec)) {
    const bool plain = tensor.shape.rank() == 1 || tensor.name.ends_with("ffn_gate_inp.weight");
    EXPECT_EQ(tensor.dtype, plain ? DType::F32 : DType::Q8_0) << tensor.name;
  }
}

}  // namespace
}  // namespace verge::build
