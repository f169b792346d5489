#include <set>

#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/split_facts.hpp>

#include "exit_models.hpp"

namespace verge::model {
namespace {

format::ModelSource source_of(const std::string& path) {
  auto source = format::ModelSource::open(path);
  EXPECT_TRUE(source.ok()) << source.error().message;
  return std::move(*source);
}

class Split : public testing::Test {
 protected:
  std::string edited(const char* suffix, const std::function<void(format::Metadata&)>& edit) {
    return test::rewrite_model(path_, suffix, edit);
  }
  std::string hash(const std::string& path) {
    const auto hash = model_hash(source_of(path));
    EXPECT_TRUE(hash.ok());
    return hash.ok() ? *hash : "";
  }

  test::TemporaryFolder folder_;
  std::string path_ = test::write_exit_model(folder_, "tiny-llama");
};

TEST_F(Split, IsReadAsItWasWritten) {
  EXPECT_EQ(read_split(source_of(path_))->has_value(), false);
  const SplitFacts facts{"xxh3:1", "xxh3:2", {2, 6}, {2, 4}};
  const auto source = source_of(
      edited("-facts", [&](format::Metadata& metadata) { write_split(facts, metadata); }));
  const auto read = read_split(source);
  ASSERT_TRUE(read.ok() && read->has_value());
  EXPECT_EQ((*read)->model, facts.model);
  EXPECT_EQ((*read)->tokenizer, facts.tokenizer);
  EXPECT_EQ((*read)->layers, facts.layers);
  EXPECT_EQ((*read)->exits, facts.exits);
  EXPECT_EQ(*model_hash(source), facts.model) << "carried, not computed";
  EXPECT_EQ(*tokenizer_hash(source), facts.tokenizer);
}

TEST_F(Split, RefusesKeysThatContradict) {
  struct Case {
    nn::LayerSpan layers;
    std::vector<int64_t> exits;
    const char* key;
  };
  for (const Case& bad :
       {Case{{4, 2}, {2, 4}, "verge.split.layers"}, Case{{-1, 2}, {2, 4}, "verge.split.layers"},
        Case{{0, 4}, {4, 2}, "verge.split.exits"}, Case{{0, 4}, {2}, "verge.split.exits"}}) {
    const auto source = source_of(edited("-bad", [&](format::Metadata& metadata) {
      write_split({"m", "t", bad.layers, bad.exits}, metadata);
    }));
    const auto read = read_split(source);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, Code::Malformed);
    EXPECT_NE(read.error().message.find(bad.key), std::string::npos) << read.error().message;
  }
  const auto source =
      source_of(edited("-part", [](auto& metadata) { metadata.set("verge.split.model", "m"); }));
  EXPECT_EQ(read_split(source).error().code, Code::NotFound);
  const auto high = source_of(edited("-high", [](format::Metadata& metadata) {
    write_split({"m", "t", {2, 7}, {2, 4}}, metadata);
  }));
  const auto config = nn::read_config(FileFacts(high));
  EXPECT_EQ(layers_of(high, *config).error().code, Code::Malformed);
}

TEST_F(Split, TheHashIsOfContentAndHyperParametersAlone) {
  const std::string known = hash(path_);
  EXPECT_EQ(hash(edited("-told",
                        [](format::Metadata& metadata) {
                          metadata.set("general.name", "another");
                          metadata.set("verge.lineage.command", "verge");
                          const format::Value context = *metadata.find("llama.context_length");
                          metadata.remove("llama.context_length");  // at the end, now
                          metadata.set("llama.context_length", context);
                        })),
            known);
  EXPECT_NE(hash(edited("-base", [](auto& m) { m.set("llama.rope.freq_base", 5e5f); })), known);
  EXPECT_NE(hash(edited("-exits", [](auto& m) { m.remove("verge.exit_layers"); })), known);
  auto spec = test::wide_spec("tiny-llama");
  spec.layers = 6;
  spec.seed = 2;
  EXPECT_NE(hash(test::with_exit_heads(test::write_model(folder_, spec), {2, 4})), known);
}

TEST_F(Split, TheTokenizersHashIsOfItsTables) {
  const std::string known = *tokenizer_hash(source_of(path_));
  const auto named = edited("-named", [](auto& m) { m.set("general.name", "another"); });
  EXPECT_EQ(*tokenizer_hash(source_of(named)), known);
  const auto ended = edited("-ended", [](format::Metadata& metadata) {
    metadata.set<uint32_t>("tokenizer.ggml.eos_token_id", 7);
  });
  EXPECT_NE(*tokenizer_hash(source_of(ended)), known);
}

std::set<std::string> names_of(const format::ModelSource& source, nn::LayerSpan layers) {
  std::set<std::string> names;
  for (const format::StoredTensor* tensor : tensors_of(source, layers)) names.insert(tensor->name);
  return names;
}

// Whether any tensor of this layer is among them.
bool has_layer(const std::set<std::string>& names, int layer) {
  const auto at = names.lower_bound(fmt::format("blk.{}.", layer));
  return at != names.end() && at->starts_with(fmt::format("blk.{}.", layer));
}

TEST_F(Split, TensorsAreThoseOfTheLayersAndTheirHeads) {
  for (const char* family : {"tiny-llama", "tiny-gemma2", "tiny-mixtral"}) {
    const auto source = source_of(test::write_exit_model(folder_, family));
    const bool is_tied = source.find("output.weight") == nullptr;
    EXPECT_EQ(names_of(source, {}).size(), source.tensors().size());
    EXPECT_EQ(names_of(source, {0, 6}).size(), source.tensors().size());
    const auto edge = names_of(source, {0, 4}), cloud = names_of(source, {2, 6});
    for (int layer = 0; layer < 6; ++layer) {
      EXPECT_EQ(has_layer(edge, layer), layer < 4) << family << layer;
      EXPECT_EQ(has_layer(cloud, layer), layer >= 2) << family << layer;
    }
    EXPECT_TRUE(edge.contains("token_embd.weight"));
    EXPECT_FALSE(edge.contains("output_norm.weight"));
    EXPECT_EQ(edge.contains("output.weight"), !is_tied);
    EXPECT_EQ(cloud.contains("token_embd.weight"), is_tied) << family;
    EXPECT_TRUE(cloud.contains("output_norm.weight"));
    EXPECT_EQ(cloud.contains("output.weight"), !is_tied);
    EXPECT_EQ(names_of(source, {2, 0}), cloud);
  }
}

}  // namespace
}  // namespace verge::model
