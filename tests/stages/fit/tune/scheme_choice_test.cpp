#include <gtest/gtest.h>

#include <verge/stages/fit/tune/scheme_file.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

TEST(SchemeChoice, AutoUpdatesMostBelowTheBudget) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  PlanOptions options;
  const auto full = compile_chosen(base, "auto", options, 1);
  const auto head = compile_chosen(base, "head", options, 1);
  ASSERT_TRUE(full && head);
  int64_t parameters = full->settings.parameters;
  EXPECT_EQ(parameters, compile_chosen(base, "full", options, 1)->settings.parameters);
  int budgets = 0;
  for (const double share : {0.9, 0.6, 0.4, 0.25}) {
    options.memory_bytes = static_cast<int64_t>(share * static_cast<double>(full->memory.total()));
    if (options.memory_bytes < head->memory.total()) break;
    const auto plan = compile_chosen(base, "auto", options, 1);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_LE(plan->memory.total(), options.memory_bytes);
    EXPECT_LE(plan->settings.parameters, parameters);
    parameters = plan->settings.parameters;
    ++budgets;
  }
  EXPECT_GE(budgets, 1);
  options.memory_bytes = 100;
  const auto refused = compile_chosen(base, "auto", options, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::OutOfMemory);
}

TEST(SchemeChoice, FilesAndPresetsAreNamedTheSameWay) {
  const test::TemporaryFolder folder;
  const BaseModel base = toy_base(folder);
  nn::UpdateScheme scheme;
  scheme.layers["stage.1.0.conv.weight"] = {.kind = nn::UpdateKind::Channels, .ratio = 0.25};
  folder.add("s.json", print_scheme({.model = base.hash, .scheme = scheme}));
  const auto plan = compile_chosen(base, folder / "s.json", {}, 1);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_TRUE(plan->settings.scheme == scheme);
  folder.add("other.json", print_scheme({.model = "1234", .scheme = scheme}));
  EXPECT_EQ(compile_chosen(base, folder / "other.json", {}, 1).error().code, Code::Conflict);
  EXPECT_EQ(compile_chosen(base, "nothing", {}, 1).error().code, Code::InvalidArgument);
}

}  // namespace
}  // namespace verge::fit
