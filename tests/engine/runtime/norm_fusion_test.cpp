// A norm within its products gives the bits of a norm before them, for every type of weights,
// instruction set, number of rows and of threads.

#include <cstring>

#include <gtest/gtest.h>
#include <sanitized.hpp>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/quant/quantize.hpp>
#include <verge/engine/runtime/plan.hpp>

namespace verge::runtime {
namespace {

constexpr int64_t kNormedWidth = 512;

graph::Graph normed_block(DType dtype) {
  graph::Builder b("block");
  const graph::Dim rows(1, b.symbol("rows", 21));
  const graph::ValueId x = b.input("x", {DType::F32, {rows, kNormedWidth}});
  const auto weight = [&](const char* name, int64_t out) {
    return b.param(name, {dtype, {out, kNormedWidth}});
  };
  const auto norm = [&](graph::ValueId of, const char* name) {
    return b.op("rms_norm", {of, b.param(name, {DType::F32, {kNormedWidth}})}, {{"eps", 1e-5}});
  };
  const graph::ValueId first = norm(x, "attn_norm");
  const graph::ValueId q = b.op("linear", {first, weight("q", kNormedWidth)});
  b.output(b.op("linear", {first, weight("k", 35)}), "k_y");
  const graph::ValueId h = b.op("mul", {q, x});
  const graph::ValueId second = norm(h, "ffn_norm");
  const graph::ValueId gate = b.op("linear", {second, weight("gate", 70)});
  b.output(b.op("swiglu", {gate, b.op("linear", {second, weight("up", 70)})}), "glu_y");
  b.output(b.op("linear", {norm(h, "head_norm"), weight("head", 50)}), "head_y");
  return *b.finish();
}

void add_random_weights(const graph::Graph& graph, WeightStore& store) {
  Rng rng(5);
  ThreadPool pool(1);
  for (const graph::Value& value : graph.values) {
    if (value.kind != graph::ValueKind::Param) continue;
    Tensor floats(DType::F32, graph.bound_shape(value.type)),
        stored(value.type.dtype, floats.shape());
    for (float& w : floats.span<float>()) w = 0.1f * rng.normal();
    EXPECT_TRUE(quant::quantize(floats.view(), stored.view(), {}, pool));
    store.add(value.name, std::move(stored));
  }
}

std::vector<float> outputs_of(Plan& plan, int64_t rows) {
  Rng rng(7, static_cast<uint64_t>(rows));
  for (int64_t i = 0; i < rows * kNormedWidth; ++i) plan.input("x").as<float>()[i] = rng.normal();
  EXPECT_TRUE(plan.run({rows}));
  std::vector<float> all;
  for (const char* name : {"k_y", "glu_y", "head_y"}) {
    const TensorView& y = plan.output(name);
    all.insert(all.end(), y.as<float>(), y.as<float>() + y.shape.count() / 21 * rows);
  }
  return all;
}

int64_t norms_in(const graph::Graph& graph) {
  return std::ranges::count(graph.nodes, std::string_view("rms_norm"),
                            [](const graph::Node& node) { return node.op->name; });
}

TEST(NormFusion, GivesTheSameBits) {
  const std::vector<DType> all = {DType::F32,  DType::Q4_0, DType::Q4_K, DType::F16,
                                  DType::BF16, DType::Q8_0, DType::Q6_K, DType::Q5_1};
  for (const DType dtype : std::span(all).first(test::kSanitized ? 3 : all.size())) {
    const graph::Graph graph = normed_block(dtype);
    const auto fused = graph::optimize(graph);
    const auto apart = graph::optimize(graph, {.disabled = {"fuse_norm"}});
    ASSERT_TRUE(fused && apart);
    EXPECT_EQ(norms_in(fused->graph), 0);
    EXPECT_EQ(norms_in(apart->graph), 3);
    for (const kernels::Isa isa : kernels::kAllIsas) {
      if (isa > kernels::best_isa()) continue;
      ThreadPool pool(isa == kernels::best_isa() ? 2 : 1);
      WeightStore weights;
      StateStore states;
      add_random_weights(graph, weights);
      auto one = Plan::compile(fused->graph, weights, states, pool, {.isa = isa});
      auto two = Plan::compile(apart->graph, weights, states, pool, {.isa = isa});
      ASSERT_TRUE(one) << one.error().message;
      ASSERT_TRUE(two) << two.error().message;
      EXPECT_EQ(one->reference_nodes(), std::vector<std::string>{});
      for (const int64_t rows : {1, 2, 21}) {
        const std::vector<float> a = outputs_of(*one, rows), b = outputs_of(*two, rows);
        ASSERT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0)
            << name(dtype) << " " << kernels::name(isa) << " " << rows;
      }
    }
  }
}

}  // namespace
}  // namespace verge::runtime
