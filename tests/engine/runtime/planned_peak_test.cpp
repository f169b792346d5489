// What a plan says it needs is what it takes: the resident memory of a process that runs it grows
// by the planned arena, inputs and constants, within 2 %, where all of it is touched.

#include <algorithm>
#include <cstdlib>

#include <child_process.hpp>
#include <gtest/gtest.h>
#include <sanitized.hpp>

#include <verge/core/machine.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/runtime/plan.hpp>

namespace verge::runtime {
namespace {

constexpr int64_t kTallRows = 8192, kTallColumns = 1024;  // 32 MiB

// Two of three values of that size are alive at once.
graph::Graph large_activations() {
  graph::Builder b("large");
  const graph::ValueId x = b.input("x", {DType::F32, {kTallRows, kTallColumns}});
  const graph::ValueId a = b.op("silu", {x});
  b.output(b.op("sum_rows", {b.op("mul", {a, b.op("softmax", {a})})}), "y");
  return *b.finish();
}

// By how many thousandths measured and planned memory differ.
int difference_per_mille() {
  ThreadPool pool(1);
  WeightStore weights;
  StateStore states;
  const graph::Graph graph = large_activations();
  const int64_t before = resident_bytes();
  auto plan = Plan::compile(graph, weights, states, pool);
  if (!plan) return 101;
  std::ranges::fill(plan->input("x").span<float>(), 0.5f);
  if (!plan->run(std::span<const int64_t>{})) return 102;
  const auto measured = static_cast<double>(peak_rss_bytes() - before);
  const MemoryReport memory = plan->memory();
  const auto planned = static_cast<double>(memory.arena_bytes + memory.io_bytes);
  return static_cast<int>(std::min(100.0, 1000 * std::abs(measured / planned - 1)));
}

TEST(PlannedPeak, IsTheMeasuredPeakWithinTwoPerCent) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer or an emulator has memory of its own";
  EXPECT_LE(test::in_child(difference_per_mille), 20);
}

}  // namespace
}  // namespace verge::runtime
