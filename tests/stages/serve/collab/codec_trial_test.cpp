#include <cmath>
#include <limits>

#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/stages/serve/collab/codec_trial.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

TEST(CodecTrial, DivergenceIsTheSum) {
  const float p[] = {std::log(0.5f), std::log(0.25f), std::log(0.25f)};
  const float q[] = {std::log(0.25f) + 3, std::log(0.5f) + 3, std::log(0.25f) + 3};
  EXPECT_NEAR(kl_divergence(p, q), 0.25 * std::log(2), 1e-6);
  EXPECT_NEAR(kl_divergence(p, p), 0, 1e-12);
  const float none = -std::numeric_limits<float>::infinity();
  const float sparse[] = {0, 0, none};
  // 0.5 log(0.5 / 0.5) + 0.5 log(0.5 / 0.25), and nothing of what has no chance.
  EXPECT_NEAR(kl_divergence(sparse, p), 0.5 * std::log(2), 1e-6);
}

// The states of the lower layers, the upper ones by hand on what the codec leaves of them.
TEST(CodecTrial, IsTheUpperLayersBehindTheCodec) {
  const SystemClock clock;
  model::LanguageModel& whole = *SharedModels::get().whole;
  const std::vector<int32_t> tokens = prompt_tokens("In the beginning was the word, and");
  runtime::Decoder& decoder = whole.decoder();
  runtime::Sequence sequence(decoder);
  auto low = whole.prepare_layers({0, kExit1});
  auto high = whole.prepare_layers({kExit1, 0});
  ASSERT_TRUE(low.ok() && high.ok());
  const auto run = [&](runtime::LayerPlans& part, std::span<const float> states) {
    const runtime::StepItem item{
        .sequence = &sequence, .tokens = tokens, .states = states, .first = 0};
    EXPECT_TRUE(runtime::run_layers(part, decoder, {&item, 1}));
    const auto logits = runtime::step_logits(decoder, 0);
    return std::vector<float>(logits.begin(), logits.end());
  };
  run(**low, {});
  const auto after = runtime::step_states(decoder, 0, std::ssize(tokens));
  const std::vector<float> states(after.begin(), after.end());
  const std::vector<float> exact = run(**high, states);
  for (const std::string codec : {"f32", "int4"}) {
    const Shape shape = {std::ssize(tokens), SharedModels::get().split.width};
    const auto received = net::unpack(*net::pack(codec, states, shape), std::ssize(states));
    ASSERT_TRUE(received.ok());
    const std::vector<float> coded = run(**high, *received);
    auto trial = CodecTrial::create(whole, kExit1, codec, clock);
    ASSERT_TRUE(trial.ok());
    const auto agrees = trial->run(tokens, states, exact);
    ASSERT_TRUE(agrees.ok()) << agrees.error().message;
    EXPECT_EQ(*agrees, text::argmax(coded) == text::argmax(exact));
    EXPECT_EQ(trial->loss().kl, kl_divergence(exact, coded));
    EXPECT_EQ(trial->loss().kl == 0, codec == "f32");
    EXPECT_EQ(trial->loss().predictions, 1);
  }
  EXPECT_EQ(CodecTrial::create(whole, kExit1, "f17", clock).error().code, Code::InvalidArgument);
}

TEST(CodecTrial, CheapIsWhatTakesTheLinkLeastTime) {
  const CodecLoss losses[] = {{.codec = "a", .kl = 1e-5, .bytes = 1000, .encode_s = 1e-6},
                              {.codec = "b", .kl = 1e-3, .bytes = 500, .encode_s = 2e-5},
                              {.codec = "c", .kl = 2e-3, .bytes = 500, .encode_s = 1e-5},
                              {.codec = "d", .kl = 0.1, .bytes = 250, .encode_s = 1e-6}};
  EXPECT_EQ(choose_codec(losses, {}), 2u);
  EXPECT_EQ(choose_codec(losses, {.most_kl = 0.2}), 3u);
  EXPECT_EQ(choose_codec(losses, {.most_kl = 1e-4}), 0u);
  EXPECT_EQ(choose_codec(losses, {.most_kl = 1e-6}), 0u);  // none fits: the most exact
  EXPECT_EQ(choose_codec(losses, {.link_bytes_per_s = 1e6}), 2u);
  EXPECT_EQ(choose_codec(losses, {.link_bytes_per_s = 1e9}), 0u);  // packing takes longer
}

}  // namespace
}  // namespace verge::serve
