#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/cli/collab_bench.hpp>

namespace verge::cli {
namespace {

TEST(CollabBench, PromptsAreLinesAndMayHaveMore) {
  const test::TemporaryFolder folder;
  const auto prompts = read_prompts(folder.add("prompts.txt", "one\r\n\ntwo\\nlines\\n\nthree"));
  ASSERT_TRUE(prompts) << prompts.error().message;
  EXPECT_EQ(*prompts, (std::vector<std::string>{"one", "two\nlines\n", "three"}));
  EXPECT_EQ(read_prompts(folder.add("none.txt", "\n\n")).error().code, Code::InvalidArgument);
  EXPECT_EQ(read_prompts(folder / "nothing").error().code, Code::NotFound);
}

TEST(CollabBench, ARowsSharesAreOfItsTokens) {
  CollabBenchRow row{.seconds = {1, 4, 2, 3}};
  row.metrics.tokens = {4, 3, 2, 1};
  row.server = {{"collab.steps", 3}, {"text.steps", 4}, {"collab.nacks", 9}};
  EXPECT_EQ(row.tokens(), 10);
  EXPECT_EQ(row.per_token(5), 0.5);
  EXPECT_EQ(row.mean_s(), 2.5);
  EXPECT_EQ(row.quantile_s(0.5), 2);
  EXPECT_EQ(row.quantile_s(0.95), 4);
  EXPECT_EQ(row.server_steps(), 7);
  EXPECT_EQ(row.server_layer_tokens(), 0);
  EXPECT_EQ(CollabBenchRow().per_token(5), 0);
  EXPECT_EQ(CollabBenchRow().quantile_s(0.5), 0);
}

}  // namespace
}  // namespace verge::cli
