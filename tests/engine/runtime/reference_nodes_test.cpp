#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/runtime/reference_nodes.hpp>

namespace verge::runtime {
namespace {

Program program_of(std::initializer_list<const char*> ops) {
  graph::Builder b("few");
  graph::ValueId x = b.input("x", {DType::F32, {4, 8}});
  int layer = 0;
  for (const char* op : ops) {
    b.source(fmt::format("layer.{}", layer++));
    x = b.op(op, {x});
  }
  b.output(x, "y");
  return *make_program(*b.finish(), kernels::best_isa(), 1);
}

TEST(ReferenceNodes, AreThoseWithoutAKernel) {
  const auto nodes = reference_nodes(program_of({"silu", "rsqrt", "softmax", "rsqrt"}));
  EXPECT_EQ(nodes, (std::vector<std::string>{"rsqrt (layer.1)", "rsqrt (layer.3)"}));
  EXPECT_TRUE(reference_nodes(program_of({"silu", "softmax"})).empty());
}

TEST(ReferenceNodes, OneLineNamesEachOperatorOnce) {
  EXPECT_EQ(reference_warning({}), "");
  const std::vector<std::string> nodes = {"log (a)", "sqrt (b)", "log (c)", "log (d)"};
  EXPECT_EQ(reference_warning(nodes),
            "warning: no fast kernel for log (a) and 2 more, sqrt (b); the reference runs, which "
            "is very slow");
}

}  // namespace
}  // namespace verge::runtime
