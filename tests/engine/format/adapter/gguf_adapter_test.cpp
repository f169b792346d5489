#include <gtest/gtest.h>

#include <verge/engine/format/adapter/gguf_adapter.hpp>
#include <verge/engine/format/gguf/writer.hpp>

#include "base.hpp"
#include "temporary_folder.hpp"

namespace verge::format {
namespace {

class GgufAdapter : public testing::Test {
 protected:
  GgufAdapter() {
    metadata_.set("general.type", "adapter");
    metadata_.set("general.architecture", "llama");
    metadata_.set("adapter.type", "lora");
    metadata_.set("adapter.lora.alpha", 6.0f);
  }

  void add(const std::string& name, const Shape& shape) { tensors_.emplace_back(name, shape); }

  Result<AdapterFile> open() {
    GgufWriter writer(metadata_);
    for (const auto& [name, shape] : tensors_) {
      const auto bytes =
          std::as_bytes(std::span(zeros_)).first(static_cast<size_t>(shape.count()) * 4);
      EXPECT_TRUE(writer.add(name, DType::F32, shape, bytes));
    }
    EXPECT_TRUE(writer.write(path_));
    return AdapterFile::open(path_, base_);
  }
  std::string message() {
    const auto file = open();
    EXPECT_FALSE(file);
    const std::string text = file ? "" : file.error().message;
    EXPECT_TRUE(text.starts_with(path_ + ": ")) << text;
    return text.substr(std::min(text.size(), path_.size() + 2));
  }

  const test::TemporaryFolder folder_;
  const std::string path_ = folder_ / "a.gguf";
  ModelSource base_ = llama_base();
  Metadata metadata_;
  std::vector<std::pair<std::string, Shape>> tensors_;
  std::vector<float> zeros_ = std::vector<float>(256);
};

TEST_F(GgufAdapter, ReadsPairsAndTheirScale) {
  add("blk.0.ffn_down.weight.lora_b", {6, 3});
  add("blk.0.attn_q.weight.lora_a", {2, 6});
  add("blk.0.attn_q.weight.lora_b", {8, 2});
  add("blk.0.ffn_down.weight.lora_a", {3, 12});
  const auto file = open();
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->pairs.size(), 2u);
  EXPECT_EQ(file->pairs[0].weight, "blk.0.attn_q.weight");
  EXPECT_EQ(file->pairs[0].scale, 3);
  EXPECT_EQ(file->pairs[0].b.interleave_heads, 0);  // GGUF's rows are interleaved already
  EXPECT_EQ(file->pairs[1].scale, 2);
  EXPECT_EQ(file->pairs[1].rank(), 3);
  metadata_.set("adapter.lora.alpha", 0.0f);
  EXPECT_EQ(open()->pairs[0].scale, 1);
  metadata_.remove("adapter.lora.alpha");
  EXPECT_EQ(open()->pairs[1].scale, 1);
}

TEST_F(GgufAdapter, SaysWhatIsNoLora) {
  add("blk.0.attn_q.weight.lora_a", {2, 6});
  add("blk.0.attn_q.weight.lora_b", {8, 2});
  const auto with = [&](const char* key, auto value) {
    const Metadata kept = metadata_;
    metadata_.set(key, value);
    const std::string text = message();
    metadata_ = kept;
    return text;
  };
  EXPECT_EQ(with("general.type", "model"),
            "general.type is \"model\", expected \"adapter\"; name the file of a LoRA adapter");
  EXPECT_EQ(with("adapter.type", "vera"),
            "adapter.type is \"vera\", expected \"lora\"; name the file of a LoRA adapter");
  EXPECT_EQ(with("general.architecture", "qwen2"),
            "general.architecture is \"qwen2\", expected \"llama\"; use the adapter of this base");
  EXPECT_EQ(with("adapter.alora.invocation_tokens", 7u).find("adapter.alora.invocation_tokens"),
            0u);
  EXPECT_NE(with("adapter.lora.alpha", "six").find("adapter.lora.alpha"), std::string::npos);
  EXPECT_NE(with("adapter.lora.alpha", INFINITY).find("scaled by inf"), std::string::npos);
}

TEST_F(GgufAdapter, OtherTensorsAreRefused) {
  add("blk.0.attn_norm.weight", {6});
  EXPECT_EQ(message(),
            "tensor blk.0.attn_norm.weight is no half of a pair; only matrices with .lora_a and "
            ".lora_b are applied");
}

}  // namespace
}  // namespace verge::format
