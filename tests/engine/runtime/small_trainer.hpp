#pragma once
// A trainer of two linear layers that learn which class a row of four numbers has its largest
// value in.

#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/runtime/trainer.hpp>

namespace verge::test {

inline runtime::TrainingGraph small_classifier() {
  graph::Builder b("classifier");
  const graph::ValueId x = b.input("x", {DType::F32, {32, 4}});
  const graph::ValueId targets = b.input("targets", {DType::I32, {32}});
  const graph::ValueId first = b.param("first", {DType::F32, {16, 4}});
  const graph::ValueId second = b.param("second", {DType::F32, {4, 16}});
  for (graph::ValueId id : {first, second}) b.graph().value(id).is_trainable = true;
  const graph::ValueId hidden = b.op("silu", {b.op("linear", {x, first})});
  const graph::ValueId loss =
      b.op("softmax_cross_entropy", {b.op("linear", {hidden, second}), targets});
  b.output(loss, "loss");
  return {*b.finish(), loss, {first, second}};
}

inline runtime::TrainerOptions small_options(graph::OptimizerSpec optimizer = {},
                                             int64_t accumulate = 1) {
  runtime::TrainerOptions options;
  options.optimizer = optimizer;
  options.accumulate = accumulate;
  options.schedule = {.peak = 0.02, .warmup = 5, .steps = 200};
  return options;
}

inline std::unique_ptr<runtime::Trainer> small_trainer(ThreadPool& pool,
                                                       const runtime::TrainerOptions& options) {
  auto trainer = runtime::Trainer::create(
      small_classifier(),
      [](const std::string& name, const TensorView& view) {
        Rng rng(name == "first" ? 1 : 2);
        for (float& value : view.span<float>()) value = 0.5f * rng.normal();
      },
      options, pool);
  EXPECT_TRUE(trainer) << trainer.error().message;
  return std::move(*trainer);
}

/// Rows drawn by `seed`.
inline void fill_small(runtime::Trainer& trainer, int64_t seed) {
  Rng rng(3, static_cast<uint64_t>(seed));
  for (int row = 0; row < 32; ++row) {
    float* x = trainer.input("x").as<float>() + row * 4;
    for (int i = 0; i < 4; ++i) x[i] = rng.normal();
    trainer.input("targets").as<int32_t>()[row] =
        static_cast<int32_t>(std::max_element(x, x + 4) - x);
  }
}

}  // namespace verge::test
