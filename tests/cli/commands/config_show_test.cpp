#include <command_line.hpp>

namespace verge::cli {
namespace {

using test::run_verge;

TEST(ConfigShow, PrintsTheTablesAskedFor) {
  EXPECT_EQ(run_verge({"config", "show", "run"}).out.find("[run]\n"), 0u);
  EXPECT_EQ(run_verge({"config", "show", "model", "rm"}).out.find("[model.rm]\n"), 0u);
  const std::string all = run_verge({"config", "show"}).out;
  for (const char* table : {"[run]", "[chat]", "[model.list]", "[config.show]"}) {
    EXPECT_NE(all.find(table), std::string::npos) << table;
  }
  EXPECT_EQ(run_verge({"config", "show", "--changed"}).out, "");
}

TEST(ConfigShow, KnowsItsCommands) {
  test::expect_refused(run_verge({"config", "show", "rum"}), 2,
                       "no command is named rum; near it: run");
}

}  // namespace
}  // namespace verge::cli
