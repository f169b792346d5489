// A plan whose weights pass through a window computes the same bits as one that holds them, for
// every product that can be cut, any window and any number of rows.

#include <cstring>
#include <map>
#include <thread>

#include <gtest/gtest.h>
#include <sanitized.hpp>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/quant/quantize.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/engine/runtime/residency.hpp>

#include "memory_ranges.hpp"

namespace verge::runtime {
namespace {

using graph::Dim;
using graph::Dims;
using graph::ValueId;

constexpr int64_t kMostRows = 40, kStepWidth = 256, kTable = 70;

Tensor random_floats(Rng& rng, Shape shape) {
  Tensor tensor(DType::F32, shape);
  for (float& x : tensor.span<float>()) x = static_cast<float>(rng.normal()) * 0.1f;
  return tensor;
}

// The weights of a graph, whole in one file.
struct Weights {
  std::shared_ptr<test::MemoryRanges> file;
  std::map<std::string, uint64_t> offsets;
  std::vector<std::pair<std::string, Tensor>> tensors;

  Weights(const graph::Graph& graph, uint64_t seed) {
    Rng rng(seed);
    ThreadPool pool(1);
    std::vector<std::byte> bytes(24);
    for (const graph::Value& value : graph.values) {
      if (value.kind != graph::ValueKind::Param) continue;
      const Tensor floats = random_floats(rng, graph.bound_shape(value.type));
      Tensor stored(value.type.dtype, floats.shape());
      EXPECT_TRUE(quant::quantize(floats.view(), stored.view(), {}, pool));
      offsets[value.name] = bytes.size();
      const auto* begin = stored.view().as<std::byte>();
      bytes.insert(bytes.end(), begin, begin + stored.view().bytes());
      tensors.emplace_back(value.name, std::move(stored));
    }
    file = std::make_shared<test::MemoryRanges>(std::move(bytes));
  }

  WeightStore store() const {
    WeightStore store;
    for (const auto& [name, tensor] : tensors) {
      store.add(name, tensor.view(), nullptr);
      if (tensor.shape().rank() > 1) {
        store.set_place(name, {file, offsets.at(name), tensor.view().bytes()});
      }
    }
    return store;
  }
};

// Every product that can be cut, and a table that is the head too.
graph::Graph all_products(DType dtype) {
  graph::Builder b("products");
  const Dim rows(1, b.symbol("rows", kMostRows));
  const ValueId ids = b.input("ids", {DType::I32, {rows}});
  const ValueId experts = b.input("experts", {DType::I32, {rows, 2}});
  const auto weight = [&](const char* name, Dims dims) { return b.param(name, {dtype, dims}); };
  const auto bias = [&](const char* name, int64_t n) { return b.param(name, {DType::F32, {n}}); };
  const graph::Attrs normed{{"norm_eps", 1e-5}};
  const ValueId table = weight("table", {kTable, kStepWidth});
  const ValueId x = b.op("embedding", {table, ids});
  const auto qkv =
      b.op_all("linear_multi",
               {x, weight("q", {kStepWidth, kStepWidth}), bias("q_bias", kStepWidth),
                weight("k", {48, kStepWidth}), graph::kNone, weight("v", {50, kStepWidth}),
                bias("v_bias", 50), bias("attn_norm", kStepWidth)},
               normed);
  const ValueId out = b.op(
      "linear", {qkv[0], weight("out", {kStepWidth, kStepWidth}), bias("out_bias", kStepWidth), x});
  const ValueId glu = b.op("linear_glu",
                           {out, weight("gate", {512, kStepWidth}), weight("up", {512, kStepWidth}),
                            bias("ffn_norm", kStepWidth)},
                           normed);
  const ValueId down = b.op(
      "linear", {glu, weight("down", {kStepWidth, 512}), graph::kNone, out, bias("down_norm", 512)},
      normed);
  const ValueId each = b.op("reshape", {down},
                            {{"dims", std::vector<int64_t>{1, 1, kStepWidth}},
                             {"symbols", std::vector<int64_t>{0, -1, -1}}});
  b.output(b.op("expert_linear", {each, weight("experts_w", {5, 64, kStepWidth}), experts}),
           "experts_y");
  b.output(b.op("linear", {down, table}), "logits");
  b.output(qkv[1], "k_y");
  b.output(qkv[2], "v_y");
  return *b.finish();
}

std::vector<std::vector<float>> run(Plan& plan, int64_t rows, uint64_t seed) {
  Rng rng(seed);
  for (int64_t i = 0; i < rows; ++i) {
    plan.input("ids").as<int32_t>()[i] = static_cast<int32_t>(rng.below(kTable));
    const auto expert = static_cast<int32_t>(rng.below(4));  // the last one is nobody's choice
    plan.input("experts").as<int32_t>()[2 * i] = expert;
    plan.input("experts").as<int32_t>()[2 * i + 1] = (expert + 1) % 4;
  }
  EXPECT_TRUE(plan.run({rows})) << (plan.failure() ? plan.failure()->message : "");
  std::vector<std::vector<float>> outputs;
  for (const char* name : {"experts_y", "logits", "k_y", "v_y"}) {
    const TensorView& y = plan.output(name);
    const int64_t count = y.shape.count() / kMostRows * rows;  // the view is of the bound
    outputs.emplace_back(y.as<float>(), y.as<float>() + count);
  }
  return outputs;
}

void expect_same_bits(const std::vector<std::vector<float>>& got,
                      const std::vector<std::vector<float>>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].size(), expected[i].size());
    ASSERT_EQ(std::memcmp(got[i].data(), expected[i].data(), got[i].size() * sizeof(float)), 0)
        << i;
  }
}

struct Case {
  std::set<std::string, std::less<>> streamed;
  StreamWindow window;
};

const std::vector<Case> kCases = {
    {{"q", "k", "v", "out", "gate", "up", "down", "experts_w", "table"}, {2, 64 << 10}},
    {{"q", "k", "v", "out", "gate", "up", "down", "experts_w", "table"}, {1, 33 << 10}},
    {{"k", "gate", "table"}, {3, 40 << 10}},  // one of several, one of two that are read together
    {{"experts_w"}, {1, 1 << 20}},
    {{"q"}, {2, 70000}},
};

TEST(PlanStep, StreamedWeightsGiveTheSameBits) {
  const std::vector<DType> all = {DType::F32,  DType::Q4_0, DType::Q4_K, DType::BF16,
                                  DType::Q8_0, DType::F16,  DType::Q5_1, DType::Q6_K};
  for (const DType dtype : std::span(all).first(test::kSanitized ? 3 : all.size())) {
    const Weights weights(all_products(dtype), 3);
    for (const int threads : test::kSanitized ? std::vector{2} : std::vector{1, 2, 3}) {
      ThreadPool pool(threads);
      StateStore states;
      WeightStore whole = weights.store();
      auto expected = Plan::compile(all_products(dtype), whole, states, pool);
      ASSERT_TRUE(expected.ok()) << expected.error().message;
      ASSERT_TRUE(expected->reference_nodes().empty());
      for (const Case& each : kCases) {
        SCOPED_TRACE(fmt::format("{} {} {}", name(dtype), threads, each.window.piece_bytes));
        WeightStore store = weights.store();
        store.stream({.streamed = each.streamed, .by_rows = {"table"}, .window = each.window});
        auto plan = Plan::compile(all_products(dtype), store, states, pool, {.canaries = true});
        ASSERT_TRUE(plan.ok()) << plan.error().message;
        for (const int64_t rows : {1, 7, 40, 1, 2}) {
          expect_same_bits(run(*plan, rows, 11), run(*expected, rows, 11));
        }
      }
    }
  }
}

TEST(PlanStep, AFailedReadEndsTheRunAndNoMore) {
  const Weights weights(all_products(DType::F32), 3);
  ThreadPool pool(2);
  StateStore states;
  WeightStore whole = weights.store();
  auto expected = Plan::compile(all_products(DType::F32), whole, states, pool);
  WeightStore store = weights.store();
  store.stream({.streamed = kCases[0].streamed, .by_rows = {"table"}, .window = {2, 64 << 10}});
  auto plan = Plan::compile(all_products(DType::F32), store, states, pool);
  ASSERT_TRUE(plan.ok() && expected.ok());
  const int64_t before = weights.file->reads();
  expect_same_bits(run(*plan, 3, 1), run(*expected, 3, 1));
  const int64_t reads = weights.file->reads() - before;
  int failures = 0;
  for (int64_t at = 0; at < reads; at += 5) {
    weights.file->fail(weights.file->reads() + at, weights.file->reads() + at + 1);
    bool failed = false;
    for (int turn = 0; turn < 3 && !failed; ++turn) {
      failed = !plan->run({3});
      EXPECT_EQ(failed, plan->failure().has_value());
    }
    // One that happens while nobody runs is tried again, and nobody knows.
    if (failed) {
      EXPECT_EQ(plan->failure()->code, Code::Io);
    }
    failures += failed;
    weights.file->fail(0, 0);
    expect_same_bits(run(*plan, 3, 2), run(*expected, 3, 2));
  }
  EXPECT_GT(failures, reads / 10);
}

TEST(PlanStep, ARunThatWaitsIsCancelled) {
  const Weights weights(all_products(DType::F32), 3);
  ThreadPool pool(2);
  StateStore states;
  WeightStore whole = weights.store(), store = weights.store();
  store.stream({.streamed = kCases[0].streamed, .window = {1, 64 << 10}});
  auto expected = Plan::compile(all_products(DType::F32), whole, states, pool);
  auto plan = Plan::compile(all_products(DType::F32), store, states, pool);
  ASSERT_TRUE(plan.ok() && expected.ok());
  constexpr int64_t kTwoRows[] = {2};
  for (const int64_t reads : {0, 1, 5}) {
    weights.file->allow(reads);
    std::atomic<bool> cancel = false;
    std::thread other([&] { cancel = true; });
    EXPECT_FALSE(plan->run(kTwoRows, &cancel));
    EXPECT_FALSE(plan->failure().has_value());
    other.join();
    weights.file->allow(-1);
    expect_same_bits(run(*plan, 5, 4), run(*expected, 5, 4));
  }
}

}  // namespace
}  // namespace verge::runtime
