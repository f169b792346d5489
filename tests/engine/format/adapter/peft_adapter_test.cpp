#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/format/adapter/peft_adapter.hpp>
#include <verge/engine/format/safetensors/writer.hpp>

#include "base.hpp"
#include "temporary_folder.hpp"

namespace verge::format {
namespace {

const std::string kQuery = "base_model.model.model.layers.0.self_attn.q_proj";
const std::string kDown = "base_model.model.model.layers.0.mlp.down_proj";

class PeftAdapter : public testing::Test {
 protected:
  void add(const std::string& name, const Shape& shape) { tensors_.emplace_back(name, shape); }
  void add_query(int64_t rank = 2) {
    add(kQuery + ".lora_A.weight", {rank, 6});
    add(kQuery + ".lora_B.weight", {8, rank});
  }

  Result<AdapterFile> open(const std::string& more = "") {
    SafetensorsWriter writer;
    for (const auto& [name, shape] : tensors_) {
      const auto bytes =
          std::as_bytes(std::span(values_)).first(static_cast<size_t>(shape.count()) * 4);
      EXPECT_TRUE(writer.add(name, DType::F32, shape, bytes));
    }
    EXPECT_TRUE(writer.write(folder_ / "adapter_model.safetensors"));
    folder_.add("adapter_config.json",
                "{" + more + R"("peft_type":"LORA","r":2,"lora_alpha":6,"bias":"none"})");
    return AdapterFile::open(folder_.path(), base_);
  }
  std::string message(const std::string& more = "") {
    const auto file = open(more);
    EXPECT_FALSE(file);
    const std::string text = file ? "" : file.error().message;
    EXPECT_TRUE(text.starts_with(folder_.path())) << text;
    return text.substr(std::min(text.size(), folder_.path().size() + 1));
  }

  const test::TemporaryFolder folder_;
  ModelSource base_ = llama_base();
  std::vector<std::pair<std::string, Shape>> tensors_;
  std::vector<float> values_ = [] {
    std::vector<float> values(256);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    return values;
  }();
};

TEST_F(PeftAdapter, NamesAndRowsBecomeThoseOfGguf) {
  add_query();
  add(kDown + ".lora_A.weight", {2, 12});
  add(kDown + ".lora_B.weight", {6, 2});
  const auto file = open();
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->pairs.size(), 2u);
  EXPECT_EQ(file->pairs[0].weight, "blk.0.attn_q.weight");
  EXPECT_EQ(file->pairs[1].weight, "blk.0.ffn_down.weight");
  EXPECT_EQ(file->pairs[1].b.interleave_heads, 0);
  // Rows 0 1 | 2 3 of a head are its halves: rows 0 2 1 3 of GGUF.
  float b[16];
  ASSERT_TRUE(file->pairs[0].b.copy_to(std::as_writable_bytes(std::span(b))));
  const float wanted[] = {0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15};
  EXPECT_TRUE(std::ranges::equal(b, wanted));
}

TEST_F(PeftAdapter, TheScaleFollowsTheConfiguration) {
  add_query();
  const auto scale = [&](const std::string& more) { return open(more)->pairs[0].scale; };
  EXPECT_EQ(scale(""), 3);
  EXPECT_DOUBLE_EQ(scale(R"("use_rslora":true,)"), 6 / std::sqrt(2.0));
  EXPECT_EQ(scale(R"("alpha_pattern":{"q_proj":10},)"), 5);
  EXPECT_EQ(scale(R"("alpha_pattern":{"layers.0.self_attn.q_proj":1,"k_proj":9},)"), 0.5);
  EXPECT_EQ(scale(R"("alpha_pattern":{"proj":10,"down_proj":9},)"), 3);
}

TEST_F(PeftAdapter, TheRankFollowsTheConfiguration) {
  add_query(3);
  EXPECT_EQ(message(), "adapter_config.json: tensor " + kQuery +
                           ".lora_A.weight has rank 3, expected the 2 of r");
  const auto file = open(R"("rank_pattern":{"q_proj":3},)");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->pairs[0].scale, 2);
  EXPECT_NE(message(R"("rank_pattern":{".*q_proj":3},)").find("name modules"), std::string::npos);
}

TEST_F(PeftAdapter, SaysWhatIsNoPlainLora) {
  add_query();
  const auto refused = [&](const std::string& more, std::string_view part) {
    const std::string text = message(more);
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  refused(R"("use_dora":true,)", "use_dora: DoRA is not applied");
  refused(R"("lora_bias":true,)", "lora_bias");
  refused(R"("fan_in_fan_out":true,)", "fan_in_fan_out");
  refused(R"("use_rslora":"yes",)", "field use_rslora is a string, expected true or false");
  refused(R"("rank_pattern":[],)", "field rank_pattern is a array");
  base_.metadata.set("general.architecture", "mamba");
  refused("", "architecture mamba");
}

TEST_F(PeftAdapter, OtherTensorsAreRefused) {
  for (const std::string name :
       {"model.layers.0.self_attn.q_proj.lora_A.weight", "base_model.model.lm_head.weight",
        "base_model.model.model.embed_tokens.lora_embedding_A",
        "base_model.model.model.layers.0.mlp.experts.1.up_proj.lora_A.weight"}) {
    tensors_.clear();
    add(name, {2, 6});
    EXPECT_EQ(message().find("adapter_model.safetensors: tensor " + name + " is no half of a pair"),
              0u)
        << message();
  }
}

TEST_F(PeftAdapter, MissingFilesAreNamed) {
  const test::TemporaryFolder empty;
  EXPECT_EQ(open_peft_adapter(empty.path(), base_).error().message,
            empty / "adapter_config.json: no such file or folder; check the path");
  empty.add("adapter_config.json", R"({"peft_type":"LORA","r":2})");
  EXPECT_NE(open_peft_adapter(empty.path(), base_).error().message.find("lora_alpha is missing"),
            std::string::npos);
  empty.add("adapter_config.json", R"({"peft_type":"IA3"})");
  EXPECT_NE(open_peft_adapter(empty.path(), base_).error().message.find("peft_type is IA3"),
            std::string::npos);
  empty.add("adapter_config.json", R"({"peft_type":"LORA","r":2,"lora_alpha":1})");
  EXPECT_EQ(open_peft_adapter(empty.path(), base_).error().message,
            empty / "adapter_model.safetensors: no such file or folder; check the path");
}

}  // namespace
}  // namespace verge::format
