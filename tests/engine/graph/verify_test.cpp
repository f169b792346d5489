#include <functional>

#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::graph {
namespace {

Graph update_then_read() {
  Builder b("model");
  const ValueId p = b.param("p", {DType::F32, {2}}), lr = b.input("lr", {DType::F32, {}});
  b.op("sgd", {p, b.input("g", {DType::F32, {2}}), kNone, lr});
  b.op("exp", {p});
  return b.graph();
}

TEST(Verify, RefusesAReadAfterAnOverwrite) {
  const Status status = verify(update_then_read());
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("reads p after sgd has overwritten it"), std::string::npos);
}

// view = reshape(p); p' = sgd(p); y = exp(view): the view shows p' by then.
TEST(Verify, RefusesAReadOfOverwrittenMemoryThroughAView) {
  for (const bool view_of_view : {false, true}) {
    Builder b("model");
    b.source("blk.7");
    const ValueId p = b.param("p", {DType::F32, {4}}), lr = b.input("lr", {DType::F32, {}});
    const Attrs square{{"dims", std::vector<int64_t>{2, 2}},
                       {"symbols", std::vector<int64_t>{-1, -1}}};
    ValueId view = b.op("reshape", {p}, square);
    if (view_of_view) view = b.op("reshape", {view}, square);
    b.op("sgd", {p, b.input("g", {DType::F32, {4}}), kNone, lr});
    Graph before = b.graph();
    EXPECT_TRUE(verify(before));
    b.op("exp", {view});
    const Status status = verify(b.graph());
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().message.find("exp (blk.7)"), std::string::npos);
    EXPECT_NE(status.error().message.find("after sgd has overwritten it"), std::string::npos);
  }
}

// p'' overwrites p' and with it p; the new content stays readable, through views as well.
TEST(Verify, FollowsMemoryThroughSeveralUpdates) {
  Builder b("model");
  const ValueId p = b.param("p", {DType::F32, {4}}), lr = b.input("lr", {DType::F32, {}});
  const ValueId g = b.input("g", {DType::F32, {4}});
  const ValueId first = b.op("sgd", {p, g, kNone, lr});
  const ValueId second = b.op("sgd", {first, g, kNone, lr});
  const ValueId view =
      b.op("reshape", {second},
           {{"dims", std::vector<int64_t>{2, 2}}, {"symbols", std::vector<int64_t>{-1, -1}}});
  b.op("exp", {view});
  EXPECT_TRUE(verify(b.graph()));
  for (const ValueId old : {p, first}) {
    Builder stale(b.graph());
    stale.op("exp", {old});
    EXPECT_FALSE(verify(stale.graph())) << old;
  }
}

// What a file could hold and no builder makes.
TEST(Verify, RefusesValuesThatNoBuilderMakes) {
  const auto broken = [](const std::function<void(Graph&)>& damage) {
    Graph graph = update_then_read();
    graph.nodes.pop_back();
    EXPECT_TRUE(verify(graph));
    damage(graph);
    return verify(graph);
  };
  EXPECT_FALSE(broken([](Graph& g) { g.values[0].type.dims = {Dim(1, 3)}; }));
  EXPECT_FALSE(broken([](Graph& g) { g.values[0].type.dims = {int64_t{1} << 62, 64}; }));
  EXPECT_FALSE(broken([](Graph& g) { g.values[0].type.dims = {-2}; }));
  EXPECT_FALSE(broken([](Graph& g) { g.values[0].type.dims = Dims(9, Dim(1)); }));
  EXPECT_FALSE(broken([](Graph& g) { g.values[0].type.dtype = DType::Q4_0; }));
  EXPECT_FALSE(broken([](Graph& g) { g.values[0].kind = ValueKind::Const; }));
  EXPECT_FALSE(broken([](Graph& g) { g.values[0].alias_of = 0; }));
  EXPECT_FALSE(broken([](Graph& g) { g.nodes[0].inputs.clear(); }));
  EXPECT_FALSE(broken([](Graph& g) { g.value(g.nodes[0].outputs[0]).alias_of = kNone; }));
  EXPECT_FALSE(broken([](Graph& g) { g.symbols.push_back({"tokens", -1}); }));
}

// Such an output would be written over memory of another size or owner.
TEST(Verify, RefusesAnAliasThatTheOperatorDoesNotMake) {
  Builder b("g");
  const ValueId x = b.input("x", {DType::F32, {4}});
  const ValueId y = b.op("silu", {x});
  b.output(y, "y");
  Graph graph = *b.finish();
  ASSERT_TRUE(verify(graph));
  graph.value(y).alias_of = x;
  EXPECT_FALSE(verify(graph));
}

TEST(Verify, RefusesUseBeforeDefinitionAndChangedTypes) {
  Graph graph = update_then_read();
  graph.nodes.erase(graph.nodes.begin());
  EXPECT_TRUE(verify(graph));
  Graph wrong_type = graph;
  wrong_type.value(wrong_type.nodes[0].outputs[0]).type.dims = {3};
  EXPECT_FALSE(verify(wrong_type));
  Graph out_of_range = graph;
  out_of_range.nodes[0].inputs[0] = 99;
  EXPECT_FALSE(verify(out_of_range));
  Graph early = graph;
  early.nodes[0].inputs[0] = early.nodes[0].outputs[0];
  EXPECT_FALSE(verify(early));
}

}  // namespace
}  // namespace verge::graph
