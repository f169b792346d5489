#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Dim;

TEST(KvAppend, ShapeRule) {
  const graph::Type cache{DType::F16, {4, 2, 2, 16, 8}}, k{DType::F32, {Dim(1, 0), 2, 8}};
  const graph::Type slots{DType::I32, {5}};
  EXPECT_EQ(inferred("kv_append", {cache, k, k, slots, slots}), "f16 [4, 2, 2, 16, 8]");
  const graph::Type wide{DType::F32, {Dim(1, 0), 2, 9}};
  expect_refused("kv_append", {cache, wide, wide, slots, slots}, {}, "k has extent 9");
  const graph::Type other{DType::I32, {6}};
  expect_refused("kv_append", {cache, k, k, slots, other}, {}, "slot_tokens");
}

// Two pages of two tokens, one head of one element: page 1, offset 0 is slot 2.
TEST(KvAppend, WritesKeysAndValuesIntoTheirSlots) {
  expect_values("kv_append",
                {given({2, 2, 1, 2, 1}, {1, 2, 3, 4, 5, 6, 7, 8}), given({2, 1, 1}, {10, 20}),
                 given({2, 1, 1}, {30, 40}), integers({2}, {2, 1}), integers({2}, {0, 1})},
                {}, {1, 20, 3, 40, 10, 6, 30, 8});
}

// Sequences that go on from the same new token have it each in a page of its own.
TEST(KvAppend, WritesOneTokenIntoSeveralSlots) {
  expect_values("kv_append",
                {given({2, 2, 1, 2, 1}, {1, 2, 3, 4, 5, 6, 7, 8}), given({2, 1, 1}, {10, 20}),
                 given({2, 1, 1}, {30, 40}), integers({3}, {2, 1, 0}), integers({3}, {1, 0, 1})},
                {}, {20, 10, 40, 30, 20, 6, 40, 8});
}

TEST(KvAppend, QuantizesToQ8) {
  graph::Builder b("q8");
  const auto cache = b.state("cache", {DType::Q8_0, {1, 2, 1, 1, 32}});
  const auto k = b.input("k", {DType::F32, {1, 1, 32}});
  b.op("kv_append", {cache, k, k, b.input("slots", {DType::I32, {1}}),
                     b.input("slot_tokens", {DType::I32, {1}})});
  const auto graph = b.finish();
  ASSERT_TRUE(graph);
  GraphRunner runner(*graph);
  std::vector<double> values;
  for (int i = 0; i < 32; ++i) values.push_back(i - 15.5);
  runner.set("k", values);
  runner.run();
  const std::vector<double> stored = runner.get("cache");
  for (size_t i = 0; i < 64; ++i) EXPECT_NEAR(stored[i], values[i % 32], 16.5 / 254 + 0.01);
}

}  // namespace
}  // namespace verge::support
