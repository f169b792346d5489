// The C of a step gives the logits that the references make of the decode graph, token by token.

#include <verge/engine/model/decoder_source.hpp>
#include <verge/engine/model/model_weights.hpp>

#include "../emit/c_check.hpp"
#include "shared_data.hpp"
#include "tiny_models.hpp"

namespace verge::model {
namespace {

constexpr double kTolerance = 1e-4;  // of the largest logit

// The step's graph, run by its operators' references in doubles.
class ReferenceSteps {
 public:
  ReferenceSteps(const format::ModelSource& source, const LoadOptions& options)
      : graph_(step_graph(source, options).value()), runner_(graph_, {1, 1, 1}) {
    runtime::WeightStore weights;
    EXPECT_TRUE(add_weights(source, {}, weights));
    for (const graph::Value& value : graph_.values) {
      if (value.kind != graph::ValueKind::Param) continue;
      const TensorView from = weights.native(value.name).value();
      const TensorView& to = runner_.tensor(value.name);
      VERGE_CHECK(from.bytes() == to.bytes(), value.name);
      std::memcpy(to.data, from.data, static_cast<size_t>(from.bytes()));
    }
  }

  std::vector<float> operator()(int32_t token, int32_t position) {
    runner_.set("tokens", {static_cast<double>(token)});
    runner_.set("positions", {static_cast<double>(position)});
    runner_.run();
    const std::vector<double> logits = runner_.get("logits");
    return {logits.begin(), logits.end()};
  }

 private:
  graph::Graph graph_;
  support::GraphRunner runner_;
};

void expect_steps(const std::string& path, std::span<const int32_t> tokens,
                  const LoadOptions& options) {
  SCOPED_TRACE(path);
  const auto source = format::ModelSource::open(path);
  ASSERT_TRUE(source) << source.error().message;
  const auto made = decoder_source(*source, options, "net");
  ASSERT_TRUE(made) << made.error().message;
  emit::CModule module(made->source);
  ReferenceSteps reference(*source, options);
  for (size_t i = 0; i < tokens.size(); ++i) {
    const int32_t token = tokens[i], position = static_cast<int32_t>(i);
    const std::vector<float> wanted = reference(token, position);
    std::vector<float> found(wanted.size());
    ASSERT_EQ(module.call({&token, &position}, {found.data()}), 0);
    ASSERT_LE(test::relative_error(found, wanted), kTolerance) << "position " << i;
  }
  const int32_t none = -1, zero = 0, beyond = static_cast<int32_t>(made->context);
  std::vector<float> found(reference(0, 0).size());
  EXPECT_EQ(module.call({&none, &zero}, {found.data()}), -1);
  EXPECT_EQ(module.call({&zero, &beyond}, {found.data()}), -1);
}

TEST(DecoderSource, EveryFamilyGivesTheLogitsOfItsReference) {
  const test::TemporaryFolder folder;
  for (const char* shape :
       {"tiny-llama", "tiny-mistral", "tiny-mixtral", "tiny-qwen2", "tiny-qwen3", "tiny-qwen3moe",
        "tiny-gemma", "tiny-gemma2", "tiny-gemma3", "tiny-phi3"}) {
    const build::RandomModelSpec spec = test::tiny_spec(shape);
    LoadOptions options;
    options.context = 48;
    options.kv_dtype = DType::F32;
    expect_steps(test::write_model(folder, spec, DType::F16), test::random_tokens(12, spec.vocab),
                 options);
  }
}

TEST(DecoderSource, BlocksAndCachesOfHalvesAreAsTheFileAndTheReferenceHaveThem) {
  const test::TemporaryFolder folder;
  const build::RandomModelSpec spec = test::wide_spec("tiny-llama");
  LoadOptions options;
  options.context = 40;
  for (const DType dtype : {DType::Q8_0, DType::Q4_0, DType::Q4_K, DType::Q6_K}) {
    expect_steps(test::write_model(folder, spec, dtype), test::random_tokens(8, spec.vocab),
                 options);
  }
}

TEST(DecoderSource, PublishedWeightsGiveTheLogitsOfTheirReference) {
  LoadOptions options;
  options.context = 64;
  const std::vector<int32_t> tokens = test::random_tokens(6, 512);
  expect_steps(test::repository_model(), tokens, options);
  const std::string stories = test::shared_data("models/stories260K.gguf");
  if (stories.empty()) GTEST_SKIP() << "no shared data: stories260K.gguf";
  expect_steps(stories, tokens, options);
}

TEST(DecoderSource, ContextIsTheModelsUnlessGiven) {
  const auto source = format::ModelSource::open(test::repository_model());
  const auto whole = decoder_source(*source, {}, "net");
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->context, 256);
  EXPECT_EQ(whole->source.state_bytes, 6 * 2 * 4 * 256 * 32 * 2);  // layers, heads, tokens, halves
  const auto small = decoder_source(*source, {.context = 33}, "net");
  EXPECT_EQ(small->context, 33);
  EXPECT_EQ(small->source.state_bytes, whole->source.state_bytes / 4);  // in pages of 32 tokens
  EXPECT_NE(small->source.header.find("#define NET_POSITIONS_END 33 "), std::string::npos);
  EXPECT_NE(small->source.header.find("int net_step(\n    const int32_t *in_tokens,\n"),
            std::string::npos);
}

TEST(DecoderSource, SaysWhatHasNoC) {
  const auto source = format::ModelSource::open(test::repository_model());
  const auto cache = decoder_source(*source, {.kv_dtype = DType::Q8_0}, "net");
  ASSERT_FALSE(cache);
  EXPECT_EQ(cache.error().message, "a cache of q8_0 has no C; give --kv f16 or f32");
}

}  // namespace
}  // namespace verge::model
