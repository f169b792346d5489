#include <verge/engine/runtime/slowdown.hpp>

#include "layers_case.hpp"

namespace verge::runtime {
namespace {

// Waits that take `late_s` too long each; what was asked for.
struct Waits {
  double late_s = 0;
  std::vector<double> asked = {};

  Slowdown slowdown(double factor) {
    return {.factor = factor, .wait = [this](double seconds) {
              asked.push_back(seconds);
              return seconds + late_s;
            }};
  }
};

TEST(Slowdown, WaitsForWhatTheSlowerMachineWouldStillNeed) {
  Waits waits;
  Slowdown slowdown = waits.slowdown(4);
  slowdown.after(0.25, 0.25);
  slowdown.after(0.5, 0.75);  // others had the core meanwhile
  EXPECT_EQ(waits.asked, (std::vector<double>{0.75, 1.25}));
}

TEST(Slowdown, WhatTakesTooLongIsMadeUpFor) {
  Waits waits{.late_s = 0.0625};
  Slowdown slowdown = waits.slowdown(3);
  slowdown.after(0.25, 0.25);
  slowdown.after(0.25, 0.25);
  EXPECT_EQ(waits.asked, (std::vector<double>{0.5, 0.4375}));
  slowdown.after(0.25, 30);  // too late to be made up for
  slowdown.after(0.25, 0.25);
  ASSERT_EQ(waits.asked.size(), 3u);
  EXPECT_NEAR(waits.asked.back(), 0.4, 1e-9);
}

TEST(Slowdown, AFactorOfOneNeverWaits) {
  Waits waits;
  Slowdown slowdown = waits.slowdown(1);
  slowdown.after(1, 0.5);
  EXPECT_TRUE(waits.asked.empty());
}

using SlowDecoder = LayersCase;

TEST_F(SlowDecoder, WaitsAfterEachRunAndCountsThem) {
  load("tiny-llama");
  Waits waits;
  decoder().slowdown = waits.slowdown(1e6);  // however long others have the core
  const auto tokens = test::random_tokens(12, vocab_);
  Sequence sequence(decoder());
  const StepItem prompt{&sequence, std::span(tokens).first(11)};
  ASSERT_TRUE(run_step(decoder(), std::span(&prompt, 1)).ok());
  const StepItem low{.sequence = &sequence, .tokens = std::span(tokens).last(1)};
  ASSERT_TRUE(run_layers(plans({0, kFirstExit}), decoder(), std::span(&low, 1)).ok());
  ASSERT_EQ(waits.asked.size(), 2u);
  EXPECT_GT(waits.asked[0], 0);
  EXPECT_EQ(decoder().runs, 2);
  EXPECT_GT(decoder().run_s, 0);
  EXPECT_EQ(decoder().layer_tokens, 11 * kAllLayers + kFirstExit);
}

}  // namespace
}  // namespace verge::runtime
