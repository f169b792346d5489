#include <cstring>
#include <filesystem>
#include <set>

#include <verge/engine/model/split_facts.hpp>
#include <verge/engine/runtime/step.hpp>
#include <verge/stages/fit/split/split_model.hpp>

#include "exit_models.hpp"
#include "paths.hpp"

namespace verge::fit {
namespace {

namespace fs = std::filesystem;

format::ModelSource source_of(const std::string& path) {
  auto source = format::ModelSource::open(path);
  EXPECT_TRUE(source.ok()) << source.error().message;
  return std::move(*source);
}

class SplitModel : public testing::Test {
 protected:
  SplitReport split(const std::string& path, SplitPoints exits = {}) {
    const auto report = split_model(source_of(path), exits, edge_, cloud_, "verge fit split");
    EXPECT_TRUE(report.ok()) << report.error().message;
    return report.ok() ? *report : SplitReport{};
  }
  Error refusal(const std::string& path, SplitPoints exits, const std::string& cloud) {
    const auto report = split_model(source_of(path), exits, edge_, cloud);
    EXPECT_FALSE(report.ok());
    return report.ok() ? Error{} : report.error();
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{2};
  std::string edge_ = folder_ / "edge.gguf", cloud_ = folder_ / "cloud.gguf";
};

// Every tensor of a part is the whole model's, byte for byte.
void expect_copied(const format::ModelSource& part, const format::ModelSource& whole) {
  for (const format::StoredTensor& tensor : part.tensors()) {
    const format::StoredTensor* from = whole.find(tensor.name);
    ASSERT_NE(from, nullptr) << tensor.name;
    ASSERT_EQ(tensor.type_id, from->type_id);
    ASSERT_TRUE(std::ranges::equal(tensor.bytes, from->bytes)) << tensor.name;
  }
}

TEST_F(SplitModel, EveryFamilysPartsHaveTheirLayersAndHeads) {
  for (const char* family : {"tiny-llama", "tiny-gemma2", "tiny-mixtral", "tiny-phi3"}) {
    SCOPED_TRACE(family);
    const std::string path = test::write_exit_model(folder_, family, DType::Q4_0);
    const SplitReport report = split(path);
    const auto whole = source_of(path), edge = source_of(edge_), cloud = source_of(cloud_);
    expect_copied(edge, whole);
    expect_copied(cloud, whole);
    EXPECT_EQ(report.exits.first, 2);
    EXPECT_EQ(report.exits.second, 4);
    EXPECT_EQ(report.layers, 6);
    EXPECT_EQ(report.source_bytes, static_cast<int64_t>(fs::file_size(path)));
    for (const SplitPart& part : {report.edge, report.cloud}) {
      EXPECT_EQ(part.bytes, static_cast<int64_t>(fs::file_size(part.path)));
      EXPECT_LT(part.bytes, report.source_bytes);
      EXPECT_EQ(part.tensors, std::ssize(source_of(part.path).tensors()));
    }
    EXPECT_NE(edge.find("blk.3.attn_norm.weight"), nullptr);
    for (const format::StoredTensor& tensor : edge.tensors()) {
      EXPECT_FALSE(tensor.name.starts_with("blk.4.") || tensor.name.starts_with("blk.5."));
      EXPECT_FALSE(tensor.name.starts_with("output_norm"));
    }
    EXPECT_EQ(cloud.find("blk.1.attn_norm.weight"), nullptr);
    EXPECT_NE(cloud.find("blk.2.attn_norm.weight"), nullptr);
    // Each loads as what it is.
    const model::LoadOptions load{.context = 64, .layers = {0, 4}};
    EXPECT_NE(test::load_model(edge_, pool_, load), nullptr);
    EXPECT_NE(test::load_model(cloud_, pool_, {.context = 64, .layers = {2, 0}}), nullptr);
  }
}

TEST_F(SplitModel, BothSayWhichModelTheyAreOf) {
  const std::string path = test::write_exit_model(folder_, "tiny-llama");
  const SplitReport report = split(path);
  EXPECT_EQ(report.model, *model::model_hash(source_of(path)));
  EXPECT_EQ(report.tokenizer, *model::tokenizer_hash(source_of(path)));
  const nn::LayerSpan spans[] = {{0, 4}, {2, 6}};
  for (size_t i = 0; i < 2; ++i) {
    const auto source = source_of(i == 0 ? edge_ : cloud_);
    const auto facts = model::read_split(source);
    ASSERT_TRUE(facts.ok() && facts->has_value());
    EXPECT_EQ((*facts)->model, report.model);
    EXPECT_EQ((*facts)->tokenizer, report.tokenizer);
    EXPECT_EQ((*facts)->layers, spans[i]);
    EXPECT_EQ((*facts)->exits, (std::vector<int64_t>{2, 4}));
    EXPECT_EQ(*source.metadata.get_string("verge.lineage.command"), "verge fit split");
    EXPECT_TRUE(source.metadata.contains("tokenizer.ggml.tokens"));
  }
}

TEST_F(SplitModel, TheEdgeKeepsTheHeadsThatItRuns) {
  build::RandomModelSpec spec = test::wide_spec("tiny-llama");
  spec.layers = 6;
  const std::string path = test::rewrite_model(
      test::with_exit_heads(test::write_model(folder_, spec), {1, 3, 5}), "-warm",
      [](format::Metadata& metadata) {
        metadata.set_array<float>("verge.exit.temperature", std::vector<float>{1.5f, 2.5f, 3.5f});
      });
  const SplitReport report = split(path, {3, 5});
  EXPECT_EQ(report.cloud.layers, (nn::LayerSpan{3, 6}));
  const auto edge = source_of(edge_), cloud = source_of(cloud_);
  EXPECT_EQ(*edge.metadata.get_array<int32_t>("verge.exit_layers"), (std::vector<int32_t>{3, 5}));
  EXPECT_EQ(*edge.metadata.get_array<float>("verge.exit.temperature"),
            (std::vector<float>{2.5f, 3.5f}));
  EXPECT_FALSE(edge.metadata.contains("verge.exit.1.norm"));
  EXPECT_TRUE(edge.metadata.contains("verge.exit.3.norm"));
  for (const format::Entry& entry : cloud.metadata.entries()) {
    EXPECT_FALSE(entry.key.starts_with("verge.exit")) << entry.key;
  }
  const auto model = test::load_model(edge_, pool_, {.context = 64, .layers = {0, 5}});
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->config().exit_temperature(3), 2.5);
}

TEST_F(SplitModel, EachRefusalNamesItsReason) {
  const std::string path = test::write_exit_model(folder_, "tiny-llama");
  const std::string plain = test::write_model(folder_, test::tiny_spec("tiny-qwen2"));
  const std::string single = test::with_exit_heads(plain, {1});
  struct Case {
    std::string path;
    SplitPoints exits;
    Code code;
    const char* part;
  };
  for (const Case& bad : {Case{path, {4, 2}, Code::InvalidArgument, "before the second"},
                          Case{path, {2, 2}, Code::InvalidArgument, "before the second"},
                          Case{path, {2, 5}, Code::Unsupported, "after 2, 4"},
                          Case{path, {0, 4}, Code::Unsupported, "no exit head after 0"},
                          Case{plain, {}, Code::Unsupported, "it has none; train with --exits"},
                          Case{single, {}, Code::Unsupported, "it has one after 1"}}) {
    const Error error = refusal(bad.path, bad.exits, cloud_);
    EXPECT_EQ(error.code, bad.code);
    EXPECT_NE(error.message.find(bad.part), std::string::npos) << error.message;
  }
  EXPECT_EQ(refusal(path, {}, folder_ / "./edge.gguf").code, Code::InvalidArgument);
  EXPECT_FALSE(fs::exists(edge_));
  EXPECT_NE(refusal(path, {}, folder_ / "none/cloud.gguf").message.find("none"), std::string::npos);
  split(path);
  EXPECT_NE(refusal(cloud_, {}, folder_ / "x.gguf").message.find("split already, layers 2 to 6"),
            std::string::npos);
}

TEST_F(SplitModel, WritesOverTheModelItself) {
  const std::string path = test::write_exit_model(folder_, "tiny-llama");
  const auto before = source_of(path);
  const auto report = split_model(source_of(path), {}, path, cloud_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  expect_copied(source_of(path), before);
}

int32_t best_of(std::span<const float> logits) {
  return static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
}

// Both files of the shipped model, run together, against the whole one.
class ShippedModel : public SplitModel {
 protected:
  void SetUp() override {
    split(whole_);
    model::LoadOptions load{.context = 256, .max_sequences = 4, .kv_tokens = 512};
    load.layers = {0, 4};
    edge_model_ = test::load_model(edge_, pool_, load);
    load.layers = {2, 0};
    cloud_model_ = test::load_model(cloud_, pool_, load);
    ASSERT_TRUE(edge_model_ != nullptr && cloud_model_ != nullptr);
  }

  // The tokens after a prompt, each the likeliest, of the whole model.
  std::vector<int32_t> whole_text(const std::vector<int32_t>& prompt, size_t count) {
    const auto model = test::load_model(whole_, pool_, {.context = 256});
    runtime::Session session = model->session();
    EXPECT_TRUE(session.append(prompt).ok());
    std::vector<int32_t> text;
    while (text.size() < count) {
      text.push_back(best_of(session.logits()));
      EXPECT_TRUE(session.append({&text.back(), 1}).ok());
    }
    return text;
  }

  // The same of the edge's layers up to the first exit and the cloud's from there.
  std::vector<int32_t> chained_text(const std::vector<int32_t>& prompt, size_t count) {
    runtime::LayerPlans& low = **edge_model_->prepare_layers({0, 2});
    runtime::LayerPlans& high = **cloud_model_->prepare_layers({2, 0});
    runtime::Decoder &edge = edge_model_->decoder(), &cloud = cloud_model_->decoder();
    runtime::Sequence here(edge), there(cloud);
    std::vector<int32_t> text, next = prompt;
    for (;;) {
      const runtime::StepItem mine{&here, next, 0};
      EXPECT_TRUE(run_layers(low, edge, std::span(&mine, 1)).ok());
      const std::vector<int32_t> unknown(next.size(), 0);
      const runtime::StepItem theirs{.sequence = &there,
                                     .tokens = unknown,
                                     .states = runtime::step_states(edge, 0, std::ssize(next))};
      EXPECT_TRUE(run_layers(high, cloud, std::span(&theirs, 1)).ok());
      if (text.size() == count) return text;
      next = {best_of(runtime::step_logits(cloud, 0))};
      text.push_back(next[0]);
    }
  }

  std::string whole_ = test::source_file("models/verge-lm.gguf");
  std::unique_ptr<model::LanguageModel> edge_model_, cloud_model_;
};

TEST_F(ShippedModel, ItsPartsTogetherWriteItsText) {
  for (const char* prompt : {"In the beginning", "And the king said unto", "Blessed"}) {
    const std::vector<int32_t> tokens = edge_model_->tokenizer().encode(prompt);
    EXPECT_EQ(chained_text(tokens, 60), whole_text(tokens, 60)) << prompt;
  }
}

TEST_F(ShippedModel, ItsPartsAreAsSmallAsTheirLayers) {
  const auto whole = source_of(whole_);
  int64_t layer_bytes = 0, tensor_bytes = 0;
  for (const format::StoredTensor& tensor : whole.tensors()) {
    const auto bytes = static_cast<int64_t>(tensor.bytes.size());
    tensor_bytes += bytes;
    if (tensor.name.starts_with("blk.0.")) layer_bytes += bytes;
  }
  // Two of six layers are missing on each side; the embedding is the head of both.
  for (const std::string& part : {edge_, cloud_}) {
    const auto missing = static_cast<int64_t>(fs::file_size(whole_) - fs::file_size(part));
    EXPECT_NEAR(static_cast<double>(missing), static_cast<double>(2 * layer_bytes), 8192.0) << part;
  }
  const auto model = test::load_model(whole_, pool_, {.context = 256});
  const double share = 1 - static_cast<double>(2 * layer_bytes) / static_cast<double>(tensor_bytes);
  for (const auto* part : {edge_model_.get(), cloud_model_.get()}) {
    EXPECT_NEAR(static_cast<double>(part->weights_bytes()),
                share * static_cast<double>(model->weights_bytes()),
                0.05 * static_cast<double>(model->weights_bytes()));
  }
}

// The device alone, with the cloud's file gone.
TEST_F(ShippedModel, TheEdgeWritesAloneByItsLastHead) {
  fs::remove(cloud_);
  runtime::Session session = edge_model_->session();
  ASSERT_TRUE(session.append(edge_model_->tokenizer().encode("And the king said")).ok());
  for (int i = 0; i < 20; ++i) {
    const int32_t token = best_of(session.logits());
    ASSERT_TRUE(session.append({&token, 1}).ok());
  }
}

// Matrices of heads go with their heads: the edge has those that it runs, the cloud none; and the
// edge needs no other where all of its heads have their own.
TEST_F(SplitModel, HeadsTakeTheirMatricesAlong) {
  const std::string path = test::with_own_outputs(
      test::with_exit_heads(test::write_exit_model(folder_, "tiny-llama"), {1, 2, 4}), {1, 2, 4},
      1);
  const bool has_output = source_of(path).find("output.weight") != nullptr;
  split(path, {1, 4});
  const auto edge = source_of(edge_), cloud = source_of(cloud_);
  EXPECT_NE(edge.find("exit.1.output.weight"), nullptr);
  EXPECT_EQ(edge.find("exit.2.output.weight"), nullptr);
  EXPECT_NE(edge.find("exit.4.output.weight"), nullptr);
  EXPECT_EQ(edge.find("output.weight"), nullptr);
  EXPECT_EQ(cloud.find("output.weight") != nullptr, has_output);
  for (const format::StoredTensor& tensor : cloud.tensors()) {
    EXPECT_FALSE(tensor.name.starts_with("exit.")) << tensor.name;
  }
  model::LoadOptions options;
  options.layers = {0, 4};
  options.context = 64;
  const auto loaded = test::load_model(edge_, pool_, options);
  ASSERT_NE(loaded, nullptr);
  EXPECT_TRUE(loaded->prepare_layers({0, 1}).ok());
  EXPECT_TRUE(loaded->prepare_layers({1, 4}).ok());
}

}  // namespace
}  // namespace verge::fit
