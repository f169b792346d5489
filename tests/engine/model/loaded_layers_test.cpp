// LoadOptions::layers: what a process that runs some of the layers holds, and refuses.

#include <verge/engine/model/compiled_model.hpp>
#include <verge/engine/model/split_facts.hpp>
#include <verge/engine/runtime/residency.hpp>
#include <verge/engine/runtime/step.hpp>

#include "exit_models.hpp"

namespace verge::model {
namespace {

class LoadedLayers : public testing::Test {
 protected:
  Error refusal(const std::string& path, const LoadOptions& options) {
    const auto model = LanguageModel::load(path, options, pool_);
    EXPECT_FALSE(model.ok());
    return model.ok() ? Error{} : model.error();
  }
  std::unique_ptr<LanguageModel> load(nn::LayerSpan layers, int64_t memory_bytes = 0) {
    return test::load_model(path_, pool_,
                            {.context = 128, .memory_bytes = memory_bytes, .layers = layers});
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{2};
  std::string path_ = test::write_exit_model(folder_, "tiny-llama", DType::Q8_0);
};

int64_t bytes_of_tensors(const format::ModelSource& source, nn::LayerSpan layers) {
  int64_t bytes = 0;
  for (const format::StoredTensor* tensor : tensors_of(source, layers)) {
    bytes += static_cast<int64_t>(tensor->bytes.size());
  }
  return bytes;
}

// Private memory by kind, of a model that holds these layers beside one that holds all.
TEST_F(LoadedLayers, TheOthersTakeNoMemory) {
  const auto whole = load({});
  for (const nn::LayerSpan layers :
       {nn::LayerSpan{0, 4}, nn::LayerSpan{2, 6}, nn::LayerSpan{2, 0}}) {
    const auto part = load(layers);
    ASSERT_NE(part, nullptr);
    ASSERT_TRUE(part->prepare_layers(layers).ok());
    const double weights = static_cast<double>(bytes_of_tensors(part->source(), layers)) /
                           static_cast<double>(bytes_of_tensors(part->source(), {}));
    EXPECT_NEAR(static_cast<double>(part->weights_bytes()),
                weights * static_cast<double>(whole->weights_bytes()),
                0.05 * static_cast<double>(whole->weights_bytes()));
    const runtime::Decoder& decoder = part->decoder();
    EXPECT_EQ(decoder.layers, 4);
    EXPECT_EQ(decoder.first_layer, layers.first);
    EXPECT_EQ(decoder.states.all().size(), 4u);
    EXPECT_EQ(decoder.states.reserved_bytes(), whole->decoder().states.reserved_bytes() * 4 / 6);
    EXPECT_NE(decoder.identity, whole->decoder().identity) << "saved sessions are of other layers";
  }
}

TEST_F(LoadedLayers, NeedIsThatOfTheLayers) {
  const auto source = format::ModelSource::open(path_);
  const LoadOptions options{.context = 128};
  LoadOptions part = options;
  part.layers = {0, 4};
  const auto whole = plan_memory_need(*source, options), less = plan_memory_need(*source, part);
  ASSERT_TRUE(whole.ok() && less.ok());
  EXPECT_EQ(whole->weights_bytes, bytes_of_tensors(*source, {}));
  EXPECT_EQ(less->weights_bytes, bytes_of_tensors(*source, {0, 4}));
  EXPECT_EQ(less->kv_bytes, whole->kv_bytes * 4 / 6);
}

// The first layers with the head after them are a model by themselves.
TEST_F(LoadedLayers, TheFirstOnesAnswerAlone) {
  const auto part = load({0, 4}), whole = load({});
  const auto tokens = test::random_tokens(20, 512);
  runtime::Session session = part->session();
  ASSERT_TRUE(session.append(tokens).ok());
  const auto exit = whole->prepare_exit(4);
  ASSERT_TRUE(exit.ok());
  runtime::Sequence sequence(whole->decoder());
  const auto all = whole->prepare_layers({0, 4});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(*whole->prepare_layers({0, 4}), *all) << "made once";
  EXPECT_NE(*exit, *all) << "for a token of each sequence";
  const runtime::StepItem item{&sequence, tokens};
  ASSERT_TRUE(runtime::run_layers(**all, whole->decoder(), std::span(&item, 1)).ok());
  EXPECT_EQ(test::relative_error(session.logits(), runtime::step_logits(whole->decoder(), 0)), 0);
}

// Weights are streamed below a ceiling as those of a whole model are.
TEST_F(LoadedLayers, KeepBelowACeiling) {
  const auto plain = load({0, 4});
  LoadOptions options{.context = 128, .layers = {0, 4}};
  const auto need = plan_memory_need(plain->source(), options);
  ASSERT_TRUE(need.ok());
  const auto tight = load({0, 4}, need->total() - need->weights_bytes / 4);
  ASSERT_NE(tight, nullptr);
  ASSERT_NE(tight->residency(), nullptr);
  EXPECT_TRUE(tight->residency()->streams());
  const auto tokens = test::random_tokens(20, 512);
  runtime::Session a = plain->session(), b = tight->session();
  ASSERT_TRUE(a.append(tokens).ok());
  const std::vector<float> expected(a.logits().begin(), a.logits().end());
  ASSERT_TRUE(b.append(tokens).ok());
  EXPECT_EQ(test::relative_error(b.logits(), expected), 0);
}

TEST_F(LoadedLayers, RefusesWhatIsNotThere) {
  const auto asked = [&](nn::LayerSpan layers) {
    return refusal(path_, {.context = 128, .layers = layers});
  };
  EXPECT_NE(asked({0, 3}).message.find("no exit head after 3 layers; it has some after 2, 4"),
            std::string::npos);
  EXPECT_EQ(asked({3, 3}).code, Code::InvalidArgument);
  EXPECT_EQ(asked({-1, 4}).code, Code::InvalidArgument);
  EXPECT_EQ(asked({0, 7}).code, Code::InvalidArgument);
  EXPECT_EQ(asked({6, 0}).code, Code::InvalidArgument);

  const auto part = load({0, 4});
  for (const nn::LayerSpan layers :
       {nn::LayerSpan{2, 6}, nn::LayerSpan{4, 6}, nn::LayerSpan{2, 0}, nn::LayerSpan{3, 3}}) {
    const auto prepared = part->prepare_layers(layers);
    ASSERT_FALSE(prepared.ok());
    EXPECT_EQ(prepared.error().code, Code::Unsupported);
    EXPECT_NE(prepared.error().message.find("0 to 4"), std::string::npos);
  }
}

TEST_F(LoadedLayers, ACompiledPlanRunsThemAll) {
  const LoadOptions options{.context = 128};
  const auto source = format::ModelSource::open(path_);
  const auto compiled = compile_model(*source, options, pool_.size());
  ASSERT_TRUE(compiled.ok());
  const std::string plan = folder_ / "whole.plan";
  ASSERT_TRUE(runtime::write_plan_file(plan, *compiled).ok());
  EXPECT_EQ(refusal(path_, {.context = 128, .plan = plan, .layers = {0, 4}}).code, Code::Conflict);
}

TEST_F(LoadedLayers, ASplitFileIsNoWholeModel) {
  const std::string part = test::rewrite_model(path_, "-part", [](format::Metadata& metadata) {
    write_split({"m", "t", {0, 4}, {2, 4}}, metadata);
  });
  for (const nn::LayerSpan layers : {nn::LayerSpan{}, nn::LayerSpan{2, 6}}) {
    const Error error = refusal(part, {.context = 128, .layers = layers});
    EXPECT_EQ(error.code, Code::Unsupported);
    EXPECT_NE(error.message.find("layers 0 to 4 of 6"), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("give the whole model"), std::string::npos) << error.message;
  }
  EXPECT_NE(test::load_model(part, pool_, {.context = 128, .layers = {0, 2}}), nullptr);
}

}  // namespace
}  // namespace verge::model
