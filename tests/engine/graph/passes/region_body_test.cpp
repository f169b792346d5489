#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/delegate_body.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/passes/region_body.hpp>
#include <verge/engine/graph/text_form.hpp>

namespace verge::graph {
namespace {

TEST(RegionBody, HasWhatIsReadAsInputsAndWhatLeavesAsOutputs) {
  Builder b("net");
  const ValueId x = b.input("x", {DType::F32, {4}});
  const ValueId w = b.param("w", {DType::F32, {4}});
  const ValueId before = b.op("exp", {x});
  const ValueId first = b.op("mul", {before, w});
  const ValueId second = b.op("add", {first, before});
  b.output(b.op("exp", {first}), "y");
  b.output(second, "z");
  const Graph graph = *b.finish();
  const RegionBody made = make_body(graph, {1, 2}, readers_of(graph));
  EXPECT_TRUE(verify(made.body));
  EXPECT_EQ(made.inputs, (std::vector<ValueId>{before, w}));
  EXPECT_EQ(made.given, std::vector<size_t>{0});
  EXPECT_EQ(made.outputs, (std::vector<ValueId>{first, second}));
  EXPECT_EQ(made.weight_bytes, 16);
  EXPECT_EQ(made.bytes_in, 16);
  EXPECT_EQ(made.bytes_out, 32);
  const Result<Graph> read = parse_body(print(made.body));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(body_inputs(*read).size(), 2U);
  EXPECT_EQ(body_outputs(*read).size(), 2U);
}

TEST(RegionBody, OfOneNodeHasItsOutput) {
  Builder b("net");
  const ValueId x = b.input("x", {DType::F32, {4}});
  b.output(b.op("exp", {b.op("exp", {x})}), "y");
  const Graph graph = *b.finish();
  const RegionBody made = body_of_node(graph, graph.nodes[0]);
  EXPECT_EQ(made.inputs, std::vector<ValueId>{x});
  EXPECT_EQ(made.outputs, graph.nodes[0].outputs);
  EXPECT_TRUE(verify(made.body));
}

}  // namespace
}  // namespace verge::graph
