#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/cli/pass_table.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>

namespace verge::cli {
namespace {

TEST(PassTable, TellsWhatChanged) {
  graph::Builder b("dead");
  const auto x = b.input("x", {DType::F32, {4, 64}});
  b.op("exp", {x});
  b.output(b.op("silu", {x}), "y");
  PassTable table;
  graph::PipelineOptions options;
  options.observe = [&](std::string_view pass, const graph::Graph& before,
                        const graph::Graph& after) { table.add(pass, before, after); };
  ASSERT_TRUE(graph::optimize(*b.finish(), options));
  const auto json = table.json();
  ASSERT_EQ(json.size(), graph::all_passes().size());
  const auto pass =
      std::ranges::find_if(json, [](const auto& row) { return row["name"] == "dead_code"; });
  ASSERT_NE(pass, json.end());
  EXPECT_EQ((*pass)["before"]["nodes"], 2);
  EXPECT_EQ((*pass)["after"]["nodes"], 1);
  std::ostringstream all, changed;
  table.print(all, false);
  table.print(changed, true);
  EXPECT_NE(changed.str().find("2 > 1"), std::string::npos) << changed.str();
  EXPECT_EQ(changed.str().find("reorder"), std::string::npos);
  EXPECT_NE(all.str().find("reorder"), std::string::npos);
}

}  // namespace
}  // namespace verge::cli
