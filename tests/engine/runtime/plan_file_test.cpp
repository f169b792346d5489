#include <fstream>

#include <gtest/gtest.h>

#include <verge/core/file.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/text_form.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/engine/runtime/plan_file.hpp>

#include "temporary_folder.hpp"

namespace verge::runtime {
namespace {

// y = softcap(silu(x W^T)): kernels, a workspace, two buffers.
PlanFile small_plan() {
  graph::Builder b("small");
  const graph::Dim rows(1, b.symbol("rows", 8));
  const auto x = b.input("x", {DType::F32, {rows, 32}});
  const auto inner = b.op("linear", {x, b.param("w", {DType::Q8_0, {16, 32}})});
  b.output(b.op("softcap", {b.op("silu", {inner})}, {{"cap", 30.0}}), "y");
  PlanFile plan{"model-1", {}};
  plan.programs.emplace_back("main", *make_program(*b.finish(), kernels::best_isa(), 2));
  return plan;
}

TEST(PlanFile, ReadsWhatItWroteAndRuns) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "m.vplan";
  const PlanFile plan = small_plan();
  ASSERT_TRUE(write_plan_file(path, plan));
  auto again = read_plan_file(path);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->model, "model-1");
  EXPECT_EQ(again->find("other"), nullptr);
  const Program *from = plan.find("main"), *to = again->find("main");
  EXPECT_EQ(graph::print(from->graph), graph::print(to->graph));
  EXPECT_EQ(plan_content(plan), plan_content(*again));
  ThreadPool pool(2);
  std::vector<float> results[2];
  for (const Program* program : {from, to}) {
    WeightStore weights;
    StateStore states;
    Tensor w(DType::Q8_0, {16, 32});
    std::memset(w.view().data, 0x31, static_cast<size_t>(w.view().bytes()));
    weights.add("w", std::move(w));
    auto bound = Plan::bind(*program, weights, states, pool);
    ASSERT_TRUE(bound) << bound.error().message;
    std::ranges::fill(bound->input("x").span<float>(), 0.25f);
    bound->run({5});
    const float* y = bound->output("y").as<float>();
    results[program == to].assign(y, y + 5 * 16);
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST(PlanFile, EveryCutAndEveryChangedByteIsRefused) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_plan_file(folder / "m", small_plan()));
  const std::string whole = *read_whole_file(folder / "m", 1 << 20);
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const bool cut : {true, false}) {
      std::string damaged = cut ? whole.substr(0, i) : whole;
      if (!cut) damaged[i] ^= 1;
      std::ofstream(folder / "d", std::ios::binary) << damaged;
      EXPECT_FALSE(read_plan_file(folder / "d")) << i << " cut " << cut;
    }
  }
}

// As above, but with a checksum that fits: what is read is then still sound.
TEST(PlanFile, ContentIsDistrustedBeyondItsChecksum) {
  const std::vector<std::byte> whole = plan_content(small_plan());
  for (size_t at = 0; at < whole.size(); ++at) {
    EXPECT_FALSE(parse_plan(std::span(whole).first(at))) << at;
    for (const int flip : {1, 0x80, 0xFF}) {
      std::vector<std::byte> changed = whole;
      changed[at] ^= static_cast<std::byte>(flip);
      const auto plan = parse_plan(changed);
      EXPECT_TRUE(plan || !plan.error().message.empty()) << at;
    }
  }
}

// An empty way of a packed convolution said "direct" in version 3; now it would be the rule's.
TEST(PlanFile, OtherVersionsAreToldToCompileAnew) {
  for (const char version : {1, 2, 3, 5}) {
    std::vector<std::byte> content = plan_content(small_plan());
    content[0] = static_cast<std::byte>(version);
    const auto plan = parse_plan(content);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, Code::Unsupported);
    EXPECT_EQ(plan.error().message,
              fmt::format("version {} of the format, this build reads 4; compile anew",
                          static_cast<int>(version)));
  }
}

TEST(PlanFile, OtherBuildsAndMachinesAreToldToCompileAnew) {
  const auto refused = [](auto damage) {
    PlanFile plan = small_plan();
    damage(plan.programs[0].second);
    const auto again = parse_plan(plan_content(plan));
    EXPECT_FALSE(again);
    return again ? Error{} : again.error();
  };
  std::vector<std::byte> content = plan_content(small_plan());
  const std::string_view isa = kernels::name(kernels::best_isa());
  auto* begin = reinterpret_cast<char*>(content.data());
  *std::search(begin, begin + content.size(), isa.begin(), isa.end()) = 'X';
  Error error = parse_plan(content).error();
  EXPECT_EQ(error.code, Code::Conflict);
  EXPECT_NE(error.message.find("compile it here"), std::string::npos) << error.message;
  const kernels::KernelDef unknown{.op = "hyperlinear"};
  error = refused([&](Program& p) { p.steps[0].kernel = &unknown; });
  EXPECT_EQ(error.code, Code::Unsupported);
  EXPECT_NE(error.message.find("no kernel hyperlinear"), std::string::npos) << error.message;
  error = refused([&](Program& p) { p.steps[0].packed = 0; });
  EXPECT_NE(error.message.find("other kernels"), std::string::npos) << error.message;
  error = refused([&](Program& p) { p.memory.buffers[0].offset = p.memory.arena_bytes; });
  EXPECT_EQ(error.code, Code::Malformed);
  error = refused([&](Program& p) { p.memory.workspace_of_node.assign(3, -1); });
  EXPECT_NE(error.message.find("workspace"), std::string::npos) << error.message;
  error = refused([&](Program& p) { p.memory.peak_node = 99; });
  EXPECT_EQ(error.code, Code::Malformed);
}

}  // namespace
}  // namespace verge::runtime
