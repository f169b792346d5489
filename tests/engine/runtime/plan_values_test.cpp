#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/runtime/plan_values.hpp>
#include <verge/engine/runtime/program.hpp>

namespace verge::runtime {
namespace {

// An input, a weight, a state that is written in place, what is computed, and a view of it.
Program program_with_every_kind() {
  graph::Builder b("kinds");
  const graph::Dim tokens(1, b.symbol("tokens", 6));
  const auto x = b.input("x", {DType::F32, {tokens, 32}});
  const auto slots = b.input("slots", {DType::I32, {tokens}});
  const auto cache = b.state("cache", {DType::F32, {2, 2, 1, 4, 32}});
  const auto k = b.op("linear", {x, b.param("w", {DType::F32, {32, 32}})});
  const graph::Attrs shape{{"dims", std::vector<int64_t>{1, 1, 32}},
                           {"symbols", std::vector<int64_t>{0, -1, -1}}};
  const auto heads = b.op("reshape", {k}, shape);
  b.output(b.op("kv_append", {cache, heads, heads, slots, slots}), "cached");
  b.output(heads, "heads");
  return *make_program(*b.finish(), kernels::best_isa(), 1);
}

graph::ValueId id_of(const graph::Graph& graph, std::string_view op) {
  for (const graph::Node& node : graph.nodes) {
    if (node.op->name == op) return node.outputs[0];
  }
  return graph::kNone;
}

graph::ValueId named(const graph::Graph& graph, std::string_view name) {
  const auto at = std::ranges::find(graph.values, name, &graph::Value::name);
  return static_cast<graph::ValueId>(at - graph.values.begin());
}

TEST(PlanValues, EachKindHasItsHome) {
  const Program program = program_with_every_kind();
  const graph::Graph& graph = program.graph;
  WeightStore weights;
  StateStore states;
  weights.add("w", Tensor(DType::F32, {32, 32}));
  PlanValues values(graph, program.memory, false);
  const Status status = values.place(weights, states);
  ASSERT_TRUE(status.ok()) << status.error().message;

  EXPECT_EQ(values.view(named(graph, "w")).data, weights.native("w")->data);
  const auto cache = states.get("cache", DType::F32, {2, 2, 1, 4, 32});
  EXPECT_EQ(values.view(named(graph, "cache")).data, cache->data);
  EXPECT_EQ(values.view(id_of(graph, "kv_append")).data, cache->data);
  EXPECT_EQ(values.view(id_of(graph, "reshape")).data, values.view(id_of(graph, "linear")).data);

  const TensorView& x = values[named(graph, "x")];
  EXPECT_EQ(x.shape, Shape({6, 32}));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(x.data) % 64, 0u);
  for (int64_t i = 0; i < 6 * 32; ++i) EXPECT_EQ(x.as<float>()[i], 0);
  EXPECT_EQ(values.io_bytes(), 6 * 32 * 4 + 64);
  const auto offset = values.view(id_of(graph, "linear")).as<std::byte>() - values.arena();
  EXPECT_GE(offset, 0);
  EXPECT_LE(offset + 6 * 32 * 4, values.memory().arena_bytes);
  EXPECT_EQ(values.view(graph::kNone).data, nullptr);
}

TEST(PlanValues, FollowedViewsTakeTheExtents) {
  const Program program = program_with_every_kind();
  WeightStore weights;
  StateStore states;
  weights.add("w", Tensor(DType::F32, {32, 32}));
  PlanValues values(program.graph, program.memory, false);
  ASSERT_TRUE(values.place(weights, states).ok());
  TensorView heads = values.view(id_of(program.graph, "reshape"));
  TensorView apart = heads;
  values.follow(heads, id_of(program.graph, "reshape"));
  for (const int64_t tokens : {4, 0, 6}) {
    values.set_extents({{tokens}});
    EXPECT_EQ(heads.shape, Shape({tokens, 1, 32}));
    EXPECT_EQ(apart.shape, Shape({6, 1, 32}));
  }
  EXPECT_THROW(values.set_extents({{7}}), InternalError);
  EXPECT_THROW(values.set_extents({{1, 1}}), InternalError);
}

TEST(PlanValues, CanariesGiveEachBufferMemoryOfItsOwn) {
  const Program program = program_with_every_kind();
  WeightStore weights;
  StateStore states;
  weights.add("w", Tensor(DType::F32, {32, 32}));
  PlanValues values(program.graph, program.memory, true);
  ASSERT_TRUE(values.place(weights, states).ok());
  EXPECT_GT(values.memory().arena_bytes, program.memory.arena_bytes);
}

}  // namespace
}  // namespace verge::runtime
