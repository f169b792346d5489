#include <algorithm>

#include <gtest/gtest.h>

#include <verge/engine/backends/backends.hpp>
#include <verge/engine/backends/int8_dsp/int8_dsp.hpp>
#include <verge/engine/backends/onednn/onednn.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/partition.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/engine/runtime/plan_file.hpp>

namespace verge::backends {
namespace {

using graph::Attrs;
using Numbers = std::vector<int64_t>;

TEST(Backends, AreFoundByName) {
  for (const std::string_view name : backend_names()) {
    const auto made = make_backend(name);
    if (made) {
      EXPECT_EQ((*made)->name(), name);
    } else {  // the package is not installed, or this build knows no oneDNN
      EXPECT_NE(made.error().message.find("libdnnl"), std::string::npos) << made.error().message;
    }
  }
  const auto other = make_backend("npu");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::InvalidArgument);
  EXPECT_EQ(other.error().message, "no backend npu; there are int8-dsp and onednn");
}

// What both can take: floats with a residual for oneDNN, levels for int8-dsp.
graph::Graph network_for(std::string_view backend) {
  graph::Builder b("net");
  const Attrs same = {{"pads", Numbers{1, 1, 1, 1}}};
  if (backend == kOneDnn) {
    const auto x = b.input("x", {DType::F32, {1, 8, 24, 20}});
    const auto w = b.param("w", {DType::F32, {8, 8, 3, 3}});
    const auto y = b.op("relu", {b.op("conv2d", {x, w}, same)});
    b.output(b.op("conv2d", {y, w, b.param("bias", {DType::F32, {8}}), y}, same), "y");
    return graph::dead_code(*b.finish());  // masks that nobody reads
  }
  const auto x = b.input("x", {DType::I8, {1, 8, 24, 20}});
  const auto y = b.op("conv2d_int8",
                      {x, b.param("w", {DType::I8, {8, 8, 3, 3}}),
                       b.param("bias", {DType::I32, {8}}), b.param("factor", {DType::F32, {8}})},
                      same);
  b.output(b.op("add_int8", {x, y}, {{"a_multiplier", 0.5}, {"b_multiplier", 0.25}}), "y");
  return *b.finish();
}

void add_weights(const graph::Graph& graph, runtime::WeightStore& weights) {
  for (const graph::Value& value : graph.values) {
    if (value.kind != graph::ValueKind::Param) continue;
    weights.add(value.name, Tensor(value.type.dtype, graph.bound_shape(value.type)));
  }
}

// Binds and runs what still reads as a plan after one byte of its delegate's body was changed, or
// is refused: how many were run.
int change_each_byte(const graph::Graph& shared, const std::shared_ptr<runtime::Backend>& backend) {
  runtime::PlanFile plan{"model", {}};
  plan.programs.emplace_back("main", *runtime::make_program(shared, kernels::best_isa(), 1));
  const std::vector<std::byte> whole = runtime::plan_content(plan);
  const std::string_view text(reinterpret_cast<const char*>(whole.data()), whole.size());
  const size_t begin = text.find("graph \"region\"");
  size_t length = 0;
  for (const graph::Node& node : shared.nodes) length += node.attrs.text("body").size();
  ThreadPool pool(1);
  int bound = 0;
  for (size_t at = begin; at < begin + length; ++at) {
    for (const int mask : {1, 2, 0x10}) {
      std::vector<std::byte> damaged = whole;
      damaged[at] ^= static_cast<std::byte>(mask);
      Result<runtime::PlanFile> read = runtime::parse_plan(damaged);
      if (!read || read->find("main") == nullptr) continue;
      runtime::WeightStore weights;
      runtime::StateStore states;
      add_weights(shared, weights);
      auto again = runtime::Plan::bind(*read->find("main"), weights, states, pool, true, {backend});
      if (!again) continue;
      again->run({});
      ++bound;
    }
  }
  return bound;
}

TEST(Backends, EveryChangedByteOfABodyIsSurvived) {
  for (const std::string_view name : backend_names()) {
    SCOPED_TRACE(name);
    const auto backend = make_backend(name);
    if (!backend) continue;
    const graph::Graph graph = network_for(name);
    graph::PartitionReport report;
    const graph::Graph shared = graph::partition(graph, **backend, &report);
    ASSERT_EQ(report.regions.size(), 1U) << fmt::format(
        "{}",
        fmt::join(report.stayed.empty() ? std::vector<std::string>() : report.stayed[0].reasons,
                  "; "));
    EXPECT_GT(change_each_byte(shared, *backend), 10);
  }
}

// No pass makes constants in a body, and no backend has to know them.
TEST(Backends, BodiesWithConstantsAreRefused) {
  for (const std::string_view name : backend_names()) {
    SCOPED_TRACE(name);
    const auto backend = make_backend(name);
    if (!backend) continue;
    graph::Graph shared = graph::partition(network_for(name), **backend);
    for (graph::Node& node : shared.nodes) {
      if (node.op->name != "delegate") continue;
      std::string body(node.attrs.text("body"));
      const std::string_view type = name == kOneDnn ? "f32" : "i32";
      const std::string bytes(static_cast<size_t>(8 * 4 * 2), '0');
      const size_t param = body.find("\"bias\"");
      const size_t line = body.rfind('\n', param) + 1, end = body.find('\n', param);
      ASSERT_NE(param, std::string::npos);
      const std::string number = body.substr(line + 6, body.find(' ', line + 6) - line - 6);
      body.replace(line, end - line,
                   fmt::format("const {} \"bias\" {} [8] = 0x{}", number, type, bytes));
      node.attrs.set("body", body);
      std::erase(node.inputs, shared.find("bias"));
    }
    runtime::WeightStore weights;
    runtime::StateStore states;
    ThreadPool pool(1);
    add_weights(shared, weights);
    const auto plan =
        runtime::Plan::compile(shared, weights, states, pool, {.backends = {*backend}});
    ASSERT_FALSE(plan);
    EXPECT_NE(plan.error().message.find("has a constant"), std::string::npos)
        << plan.error().message;
  }
}

}  // namespace
}  // namespace verge::backends
