#include <gtest/gtest.h>

#include <verge/core/units.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/runtime/residency.hpp>

namespace verge::runtime {
namespace {

using graph::Dim;
using graph::ValueId;

constexpr int64_t kLayers = 12, kWidth = 256, kVocab = 4096;

// A table, layers of a small and a large matrix with a norm, a head: f32.
graph::Graph layers(int64_t most_rows) {
  graph::Builder b("layers");
  const Dim rows(1, b.symbol("rows", most_rows));
  const ValueId ids = b.input("ids", {DType::I32, {rows}});
  const auto weight = [&](const std::string& name, int64_t n, int64_t k) {
    return b.param(name, {DType::F32, {n, k}});
  };
  ValueId x = b.op("embedding", {weight("table", kVocab, kWidth), ids});
  for (int64_t i = 0; i < kLayers; ++i) {
    x = b.op("rms_norm", {x, b.param(fmt::format("norm.{}", i), {DType::F32, {kWidth}})},
             {{"eps", 1e-5}});
    x = b.op("linear", {x, weight(fmt::format("small.{}", i), 64, kWidth)});
    x = b.op("linear", {x, weight(fmt::format("middle.{}", i), 1024, 64)});
    x = b.op("linear", {x, weight(fmt::format("large.{}", i), kWidth, 1024)});
  }
  b.output(b.op("linear", {x, weight("head", kVocab, kWidth)}), "logits");
  return *b.finish();
}

class Planning : public testing::Test {
 protected:
  Result<Residency> plan(int64_t ceiling, int64_t process = 0) const {
    return plan_residency(programs_, ceiling, {.process_bytes = process},
                          [](std::string_view name) { return !name.starts_with("norm"); });
  }
  Residency good(int64_t ceiling) const {
    auto residency = plan(ceiling);
    EXPECT_TRUE(residency.ok()) << residency.error().message;
    return residency.ok() ? *residency : Residency{};
  }

  Program prefill_ = *make_program(layers(64), kernels::best_isa(), 2);
  Program decode_ = *make_program(layers(1), kernels::best_isa(), 2);
  std::vector<const Program*> programs_{&prefill_, &decode_};
  static constexpr int64_t kWhole = int64_t{1} << 30;
};

TEST_F(Planning, WhatFitsStays) {
  const Residency whole = good(kWhole);
  EXPECT_FALSE(whole.streams());
  EXPECT_EQ(whole.streamed_bytes, 0);
  const int64_t matrices =
      kLayers * (64 * kWidth + 1024 * 64 + kWidth * 1024) + 2 * kVocab * kWidth;
  EXPECT_EQ(whole.pinned_bytes, 4 * (matrices + kLayers * kWidth));
  EXPECT_FALSE(good(whole.total()).streams());
  EXPECT_TRUE(good(whole.total() - 1).streams());
}

// The less there is, the more is streamed, and never more is taken than there is.
TEST_F(Planning, EveryCeilingIsKept) {
  const int64_t whole = good(kWhole).total();
  int64_t last = 0, plans = 0;
  for (int64_t ceiling = whole; plan(ceiling).ok(); ceiling -= 300 << 10, ++plans) {
    const Residency residency = good(ceiling);
    EXPECT_LE(residency.total(), ceiling);
    EXPECT_GE(residency.streamed_bytes, last * 9 / 10) << "a smaller window may let one more stay";
    last = residency.streamed_bytes;
  }
  EXPECT_GE(plans, 20);
}

TEST_F(Planning, TheLeastIsNamedAndEnough) {
  const auto refused = plan(1 << 20);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::OutOfMemory);
  for (const char* part : {"KV cache", "activations", "window", "1 MiB"}) {
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << refused.error().message;
  }
  int64_t least = 1 << 20;
  while (!plan(least).ok()) least += 1 << 10;
  const int64_t named = (least + (1 << 20) - 1) >> 20 << 20;
  EXPECT_TRUE(plan(named).ok());
  EXPECT_NE(refused.error().message.find("the least is " + show_bytes(named)), std::string::npos)
      << refused.error().message << " " << least;
  EXPECT_FALSE(plan(least + (5 << 20), 6 << 20).ok()) << "what the process takes counts";
}

// Of matrices of one size those that stay are as far apart as can be; smaller ones stay first.
TEST_F(Planning, WhatStaysIsSpreadEvenly) {
  const int64_t whole = good(kWhole).total();
  int most_gap = 0, checked = 0;
  for (int64_t ceiling = whole; plan(ceiling).ok(); ceiling -= 200 << 10) {
    const Residency residency = good(ceiling);
    int streamed = 0, gap = 0, longest = 0;
    for (int64_t i = 0; i < kLayers; ++i) {
      const bool is_streamed = residency.streamed.contains(fmt::format("large.{}", i));
      streamed += is_streamed;
      gap = is_streamed ? gap + 1 : 0;
      longest = std::max(longest, gap);
      if (residency.streamed.contains(fmt::format("small.{}", i))) {
        EXPECT_TRUE(is_streamed) << "short reads cost most";
      }
    }
    if (streamed == 6) most_gap = std::max(most_gap, longest), ++checked;
  }
  EXPECT_GT(checked, 0);
  EXPECT_EQ(most_gap, 1);
}

TEST_F(Planning, TablesAreReadByRows) {
  const Residency residency = good(good(kWhole).total() - 1);
  EXPECT_EQ(residency.by_rows, (std::set<std::string, std::less<>>{"table"}));
  EXPECT_FALSE(residency.streamed.contains("table"));
  // Rows of both programs, their numbers, and a page or two of each of two threads to read into.
  const int64_t rows = 65 * (kWidth * 4 + 4), rooms = 2 * 2 * 3 * 4096;
  EXPECT_GE(residency.window_bytes, residency.window.bytes() + rows + rooms / 2);
  EXPECT_LE(residency.window_bytes, residency.window.bytes() + rows + rooms);
}

TEST_F(Planning, OneMoreProgramTakesItsArenaAndItsRows) {
  const Residency streams = good(good(kWhole).total() - 1), whole = good(kWhole);
  const int64_t arena = fixed_memory(std::span(programs_).first(1)).arena_bytes;
  EXPECT_EQ(added_bytes(prefill_, nullptr), arena);
  EXPECT_EQ(added_bytes(prefill_, &whole), arena);
  EXPECT_GE(added_bytes(prefill_, &streams), arena + 64 * kWidth * 4);
}

}  // namespace
}  // namespace verge::runtime
