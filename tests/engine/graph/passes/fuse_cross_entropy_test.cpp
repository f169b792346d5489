#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/fuse_cross_entropy.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

// The loss as an importer writes it, in the forms it comes in.
struct WrittenOut {
  bool has_log_softmax = true;
  bool is_mean = false;  // the mean over everything, instead of the sum
  bool one_hot_first = false;
  double factor = 1;  // of the right one
};

Graph written_out(const WrittenOut& how) {
  Builder b("loss");
  const ValueId x = b.input("x", {DType::F64, {6, 4}});
  const ValueId w = b.param("w", {DType::F64, {2, 4}});
  const ValueId logits = b.op("linear", {x, w});
  const ValueId targets = b.input("targets", {DType::I32, {6}});
  const ValueId column =
      b.op("reshape", {targets},
           {{"dims", std::vector<int64_t>{6, 1}}, {"symbols", std::vector<int64_t>{-1, -1}}});
  const ValueId classes = b.constant("classes", support::constants({1, 2}, {0, 1}, DType::I32));
  const ValueId one_hot =
      b.op("cast", {b.op("compare", {column, classes}, {{"op", std::string("eq")}})},
           {{"to", std::string("f64")}});
  const ValueId log_p = how.has_log_softmax ? b.op("log_softmax", {logits})
                                            : b.op("log", {b.op("softmax", {logits})});
  const ValueId product =
      how.one_hot_first ? b.op("mul", {one_hot, log_p}) : b.op("mul", {log_p, one_hot});
  const Attrs axes{{"axes", std::vector<int64_t>{0, 1}}};
  const ValueId total = b.op(how.is_mean ? "reduce_mean" : "reduce_sum", {product}, axes);
  const double right = how.is_mean ? -2.0 : -1.0 / 6;
  b.output(b.op("scale", {total}, {{"factor", how.factor * right}}), "loss");
  const auto graph = b.finish();
  EXPECT_TRUE(graph) << graph.error().message;
  return *graph;
}

TEST(FuseCrossEntropy, EveryWrittenFormBecomesOneOperator) {
  for (const WrittenOut& how : {WrittenOut{}, WrittenOut{.has_log_softmax = false},
                                WrittenOut{.is_mean = true}, WrittenOut{.one_hot_first = true}}) {
    const Graph before = written_out(how);
    const Graph after = dead_code(fuse_cross_entropy(before));
    support::expect_same_results(before, after);
    EXPECT_EQ(count_of(after, "softmax_cross_entropy"), 1);
    EXPECT_EQ(after.nodes.size(), 2u);
    EXPECT_EQ(fuse_cross_entropy(after).nodes.size(), 2u);
  }
}

TEST(FuseCrossEntropy, ItsGradientIsTheFusedOne) {
  const Graph before = written_out({});
  const auto trained = [](Graph graph) {
    const ValueId loss = graph.find("loss"), w = graph.find("w");
    auto joint = differentiate(std::move(graph), loss, {w});
    EXPECT_TRUE(joint) << joint.error().message;
    joint->graph.value(joint->gradients[0]).is_output = true;
    joint->graph.value(joint->gradients[0]).name = "dw";
    return dead_code(std::move(joint->graph));
  };
  const Graph slow = trained(before), fast = trained(fuse_cross_entropy(before));
  support::expect_same_results(slow, fast);
  EXPECT_EQ(count_of(fast, "log_softmax_grad"), 0);
  EXPECT_EQ(fast.nodes.size(), 3u);  // linear, loss with (p - y) / N, product for dw
}

TEST(FuseCrossEntropy, OtherFactorsStayAsTheyAre) {
  const Graph other = fuse_cross_entropy(written_out({.factor = 0.5}));
  EXPECT_EQ(count_of(other, "softmax_cross_entropy"), 0);
}

}  // namespace
}  // namespace verge::graph
