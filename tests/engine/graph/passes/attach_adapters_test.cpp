#include <verge/engine/graph/passes/attach_adapters.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

class AttachAdapters : public ::testing::Test {
 protected:
  AttachAdapters() : b("block") {
    x = b.input("x", {DType::F32, {Dim(1, b.symbol("tokens", 5)), 8}});
  }
  ValueId weight(const std::string& name, int64_t rows) {
    return b.param(name, {DType::F32, {rows, 8}});
  }
  // y + scale (x A^T) B, written out for a row's adapter `which` of the results' values.
  static double written_out(const support::GraphRunner& r, size_t row, size_t column, size_t rank,
                            size_t out) {
    const auto x = r.get("x"), w = r.get("w"), a = r.get("w.lora_a"), bb = r.get("w.lora_b");
    const auto scales = r.get("w.lora_scales"), ranks = r.get("w.lora_ranks");
    const auto adapter = static_cast<size_t>(r.get("adapter_of_tokens")[row]);
    double y = 0;
    for (size_t i = 0; i < 8; ++i) y += x[row * 8 + i] * w[column * 8 + i];
    for (size_t k = 0; k < static_cast<size_t>(ranks[adapter]); ++k) {
      double hidden = 0;
      for (size_t i = 0; i < 8; ++i) hidden += x[row * 8 + i] * a[(adapter * rank + k) * 8 + i];
      y += scales[adapter] * hidden * bb[(adapter * rank + k) * out + column];
    }
    return y;
  }

  Builder b;
  ValueId x;
};

TEST_F(AttachAdapters, AddsTheProductOfEachRowsAdapter) {
  b.output(b.op("linear", {x, weight("w", 3)}), "y");
  b.output(b.op("linear", {x, weight("plain", 3)}), "z");
  const Graph after = attach_adapters(*b.finish(), {.adapters = 2, .rank = 4, .weights = {"w"}});
  ASSERT_TRUE(verify(after).ok());
  EXPECT_EQ(count_of(after, "lora"), 1);
  const support::GraphRunner runner = support::run_on_random_values(after, {5});
  const auto y = runner.get("y");
  for (size_t row = 0; row < 5; ++row) {
    for (size_t column = 0; column < 3; ++column) {
      EXPECT_NEAR(y[row * 3 + column], written_out(runner, row, column, 4, 3), 1e-5);
    }
  }
}

TEST_F(AttachAdapters, TheOtherPassesKeepTheSameFunction) {
  const ValueId gate = b.op("linear", {x, weight("gate", 6)});
  const ValueId up = b.op("linear", {x, weight("up", 6)});
  const ValueId down = b.param("down", {DType::BF16, {8, 6}});
  b.output(b.op("linear", {b.op("swiglu", {gate, up}), down, kNone, x}), "y");
  const Graph before = attach_adapters(
      *b.finish(), {.adapters = 3, .rank = 2, .dtype = DType::BF16, .weights = {"gate", "down"}});
  const auto after = optimize(before);
  ASSERT_TRUE(after.ok());
  support::expect_same_results(before, after->graph, {4});
  EXPECT_EQ(count_of(after->graph, "lora"), 2);
  EXPECT_EQ(count_of(after->graph, "linear_multi"), 1);
}

TEST_F(AttachAdapters, RowsOfEachKindFindTheirsInAnInputOfTheirOwn) {
  const ValueId rows = b.input("rows", {DType::I32, {Dim(1, b.symbol("outputs", 2))}});
  const ValueId y = b.op("linear", {x, weight("w", 8)});
  b.output(b.op("linear", {b.op("gather_rows", {y, rows}), weight("head", 9)}), "logits");
  const Graph after =
      attach_adapters(*b.finish(), {.adapters = 1, .rank = 1, .weights = {"w", "head"}});
  ASSERT_TRUE(verify(after).ok());
  EXPECT_NE(after.find("adapter_of_tokens"), kNone);
  EXPECT_NE(after.find("adapter_of_outputs"), kNone);
  EXPECT_TRUE(after.value(after.find("logits")).is_output);
  EXPECT_EQ(after.nodes.back().op->name, "lora");
}

TEST_F(AttachAdapters, WhatIsReadInAnotherWayTooIsNotAdaptable) {
  const ValueId tokens = b.input("ids", {DType::I32, {Dim(1, 0)}});
  const ValueId table = weight("table", 9);
  const ValueId y = b.op("add", {b.op("embedding", {table, tokens}), x});
  b.output(b.op("linear", {b.op("linear", {y, weight("w", 8)}), table}), "logits");
  const Graph graph = *b.finish();
  ASSERT_EQ(adaptable_weights(graph).size(), 1u);
  EXPECT_EQ(graph.value(adaptable_weights(graph)[0]).name, "w");
}

}  // namespace
}  // namespace verge::graph
