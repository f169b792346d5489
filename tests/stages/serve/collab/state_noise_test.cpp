#include <cmath>

#include <verge/core/rng.hpp>
#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/stages/serve/collab/state_noise.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

std::vector<float> some_states(int64_t tokens, int64_t width) {
  Rng rng(8);
  std::vector<float> rows(static_cast<size_t>(tokens * width));
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i] = rng.normal() * static_cast<float>(1 + i / static_cast<size_t>(width));
  }
  return rows;
}

TEST(StateNoise, IsAShareOfEachStatesSize) {
  constexpr int64_t kNoisyWidth = 4096;
  for (const double sigma : {0.01, 0.3}) {
    const std::vector<float> states = some_states(3, kNoisyWidth);
    std::vector<float> noisy = states;
    StateNoise(sigma, 5).add(noisy, kNoisyWidth);
    for (size_t row = 0; row < 3; ++row) {
      const auto part = [row](const std::vector<float>& of) {
        return std::span(of).subspan(row * kNoisyWidth, kNoisyWidth);
      };
      // Within 5 standard errors of the estimate of a deviation, sigma / sqrt(2 n).
      EXPECT_NEAR(net::relative_rms_error(part(states), part(noisy)), sigma,
                  5 * sigma / std::sqrt(2.0 * kNoisyWidth));
      double sum = 0;
      for (size_t i = 0; i < kNoisyWidth; ++i) sum += part(noisy)[i] - part(states)[i];
      const double size = static_cast<double>(row + 1);
      EXPECT_LT(std::abs(sum / kNoisyWidth), 5 * sigma * size / std::sqrt(1.0 * kNoisyWidth));
    }
  }
}

TEST(StateNoise, IsTheSameWheneverAStateIsSent) {
  const std::vector<float> states = some_states(4, 64);
  std::vector<float> whole = states, last(states.end() - 64, states.end()), other = states;
  StateNoise(0.1, 5).add(whole, 64);
  StateNoise(0.1, 5).add(last, 64);
  EXPECT_TRUE(std::equal(last.begin(), last.end(), whole.end() - 64));
  StateNoise(0.1, 6).add(other, 64);
  EXPECT_NE(other, whole);
  std::vector<float> one = states, two = states;
  StateNoise::secret(0.1).add(one, 64);
  StateNoise::secret(0.1).add(two, 64);
  EXPECT_NE(one, two);
}

TEST(StateNoise, NoneChangesNoBit) {
  const std::vector<float> states = some_states(2, 64);
  std::vector<float> same = states;
  StateNoise(0, 5).add(same, 64);
  EXPECT_EQ(same, states);
}

// The upper layers' distributions after noisy states beside those after true ones.
struct NoiseLoss {
  double kl = 0;         // nats a token
  double agreement = 0;  // of the likeliest tokens
};

class NoiseLossTest : public ::testing::Test {
 protected:
  void SetUp() override {
    EdgeLayers layers =
        std::move(*EdgeLayers::create(*SharedModels::get().edge, kExit1, kExit2, 1));
    ASSERT_TRUE(layers
                    .append(text_,
                            [this](const StateRun& run) {
                              states_.insert(states_.end(), run.rows.begin(), run.rows.end());
                            })
                    .ok());
    upper_ = load_part({kExit1, 0}, pool_, 512, 64);
    true_ = logits_of(states_);
  }
  // [tokens, vocab], one position after another.
  std::vector<std::vector<float>> logits_of(std::span<const float> states) {
    runtime::Decoder& decoder = upper_->decoder();
    runtime::Sequence sequence(decoder);
    const auto width = static_cast<size_t>(decoder.d_model);
    std::vector<std::vector<float>> all;
    for (; !states.empty(); states = states.subspan(width)) {
      const int32_t nameless = 0;
      const runtime::StepItem item{.sequence = &sequence,
                                   .tokens = {&nameless, 1},
                                   .states = states.first(width),
                                   .one_by_one = true};
      auto layers = upper_->prepare_layers({kExit1, 0});
      EXPECT_TRUE(layers.ok() && runtime::run_layers(**layers, decoder, {&item, 1}).ok());
      const auto row = runtime::step_logits(decoder, 0);
      all.emplace_back(row.begin(), row.end());
    }
    return all;
  }
  NoiseLoss loss(double sigma) {
    std::vector<float> states = states_;
    StateNoise(sigma, 1).add(states, upper_->decoder().d_model);
    const auto noisy = logits_of(states);
    NoiseLoss sum;
    for (size_t t = 0; t < true_.size(); ++t) {
      const double p_sum = text::log_sum_exp(true_[t]), q_sum = text::log_sum_exp(noisy[t]);
      for (size_t i = 0; i < true_[t].size(); ++i) {
        const double p = true_[t][i] - p_sum, q = noisy[t][i] - q_sum;
        sum.kl += std::exp(p) * (p - q) / static_cast<double>(true_.size());
      }
      sum.agreement += text::argmax(true_[t]) == text::argmax(noisy[t]);
    }
    sum.agreement /= static_cast<double>(true_.size());
    return sum;
  }

  const std::vector<int32_t> text_ = prompt_tokens(
      "The old lighthouse keeper had lived alone on the rock for thirty years, and in that time he "
      "had learned to read the sea as other men read letters. When the wind turned to the north he "
      "lit the lamp an hour early; when the gulls came inland he mended his roof. His daughter "
      "wrote to him twice a year, and twice a year he answered her that he was well, that the fish "
      "were few, and that he would come to the city when the winter was over. He never went. The "
      "ships that passed by night did not know his name, but every one of their captains trusted "
      "his light more than any chart.");
  ThreadPool pool_{1};
  std::unique_ptr<model::LanguageModel> upper_;
  std::vector<float> states_;
  std::vector<std::vector<float>> true_;
};

TEST_F(NoiseLossTest, GrowsWithSigma) {
  ASSERT_GT(true_.size(), 120u);
  EXPECT_EQ(loss(0).kl, 0);
  double before = 0;
  for (const double sigma : {0.01, 0.03, 0.1, 0.3, 1.0}) {
    const NoiseLoss found = loss(sigma);
    EXPECT_GT(found.kl, before) << sigma;
    before = found.kl;
    RecordProperty(fmt::format("sigma_{}", sigma),
                   fmt::format("{:.5f} nats, agreement {:.3f}", found.kl, found.agreement));
  }
  EXPECT_GT(loss(0.01).agreement, 0.95);
  EXPECT_LT(loss(1.0).agreement, 0.8);
}

}  // namespace
}  // namespace verge::serve
