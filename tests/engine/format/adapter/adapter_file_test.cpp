#include <gtest/gtest.h>

#include <verge/engine/format/adapter/adapter_file.hpp>
#include <verge/engine/format/gguf/writer.hpp>

#include "base.hpp"
#include "temporary_folder.hpp"

namespace verge::format {
namespace {

struct Named {
  std::string name;
  Shape shape;
};

// What opening an adapter of these tensors says, after the path.
std::string refusal(const std::vector<Named>& tensors) {
  const test::TemporaryFolder folder;
  const std::vector<float> zeros(20000);
  Metadata metadata;
  metadata.set("general.type", "adapter");
  metadata.set("general.architecture", "llama");
  metadata.set("adapter.type", "lora");
  GgufWriter writer(metadata);
  for (const auto& [name, shape] : tensors) {
    EXPECT_TRUE(writer.add(
        name, DType::F32, shape,
        std::as_bytes(std::span(zeros)).first(static_cast<size_t>(shape.count()) * sizeof(float))));
  }
  const std::string path = folder / "a";
  EXPECT_TRUE(writer.write(path));
  const auto file = AdapterFile::open(path, llama_base());
  if (file) return "";
  EXPECT_TRUE(file.error().message.starts_with(path + ": ")) << file.error().message;
  return file.error().message.substr(path.size() + 2);
}

std::vector<Named> pair(const std::string& weight, const Shape& a, const Shape& b) {
  return {{weight + ".lora_a", a}, {weight + ".lora_b", b}};
}

TEST(AdapterFile, NamesTensorExpectedAndFound) {
  const std::string q = "blk.0.attn_q.weight";
  EXPECT_EQ(refusal(pair(q, {2, 6}, {8, 2})), "");
  EXPECT_EQ(
      refusal(pair(q, {2, 7}, {8, 2})),
      "tensor blk.0.attn_q.weight.lora_a is [2, 7], the base needs [2, 6]; use the adapter of "
      "this base");
  EXPECT_EQ(
      refusal(pair(q, {2, 6}, {9, 2})),
      "tensor blk.0.attn_q.weight.lora_b is [9, 2], the base needs [8, 2]; use the adapter of "
      "this base");
  EXPECT_EQ(
      refusal(pair(q, {2, 6}, {8, 3})),
      "tensor blk.0.attn_q.weight.lora_b is [8, 3], the base needs [8, 2]; use the adapter of "
      "this base");
  EXPECT_EQ(refusal(pair(q, {12}, {8, 2})),
            "tensor blk.0.attn_q.weight.lora_a is [12], expected [rank, 6] of rank 1 to 4096");
}

TEST(AdapterFile, NamesWhatTheBaseLacks) {
  EXPECT_EQ(
      refusal(pair("blk.7.attn_q.weight", {2, 6}, {8, 2})),
      "tensor blk.7.attn_q.weight.lora_a changes blk.7.attn_q.weight, which base.gguf does not "
      "have; use the adapter of this base");
  EXPECT_EQ(
      refusal(pair("blk.0.attn_norm.weight", {2, 6}, {6, 2})),
      "tensor blk.0.attn_norm.weight.lora_a changes blk.0.attn_norm.weight of shape [6]; only "
      "matrices can have adapters");
  EXPECT_EQ(refusal({}), "no pair of A and B; the adapter changes nothing");
  EXPECT_EQ(
      refusal({{"blk.0.attn_q.weight.lora_a", {2, 6}}}),
      "tensor blk.0.attn_q.weight.lora_a has no counterpart; the adapter is incomplete: fetch "
      "it again");
}

TEST(AdapterFile, AModelIsNoAdapter) {
  const test::TemporaryFolder folder;
  const std::string path = folder.add("a", "GGUF");
  EXPECT_FALSE(AdapterFile::open(path, llama_base()));
  EXPECT_EQ(AdapterFile::open(folder / "none", llama_base()).error().code, Code::NotFound);
}

}  // namespace
}  // namespace verge::format
