#include <command_line.hpp>
#include <gtest/gtest.h>
#include <tiny_model.hpp>

#include <verge/core/file.hpp>

namespace verge::cli {
namespace {

using test::run_verge;

TEST(InspectGraph, DrawsTheGraphAndItsMemory) {
  const test::TemporaryFolder folder;
  const std::string model = test::tiny_model(folder), picture = folder / "memory.svg";
  for (const char* use : {"prefill", "decode", "train"}) {
    const auto ran =
        run_verge({"inspect", model, "--for", use, "--graph", "svg", "--memory-svg", picture});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_TRUE(ran.out.starts_with("<svg") && ran.out.ends_with("</svg>\n")) << use;
    EXPECT_TRUE(read_whole_file(picture, 1 << 24)->starts_with("<svg")) << use;
  }
}

TEST(InspectGraph, ExplainsAValueAndFollowsThePasses) {
  const test::TemporaryFolder folder;
  const std::string model = test::tiny_model(folder), dumps = folder / "dumps";
  const auto story = run_verge({"inspect", model, "--for", "train", "--explain", "loss"});
  EXPECT_NE(story.out.find("kept by the caller"), std::string::npos) << story.out << story.err;
  test::expect_refused(run_verge({"inspect", model, "--explain", "nothing"}), 1, "nothing");
  const auto json = test::run_json({"inspect", model, "--passes", "--dump-graph", dumps});
  size_t nodes = SIZE_MAX;
  for (const auto& pass : json["passes"]) {
    test::expect_fields(pass["before"], {"nodes", "arena_bytes", "flops", "bytes_moved"});
    EXPECT_LE(pass["after"]["nodes"], nodes);
    nodes = pass["after"]["nodes"];
  }
  EXPECT_TRUE(read_whole_file(dumps + "/00-start.txt", 1 << 24));
  EXPECT_TRUE(read_whole_file(dumps + "/00-start.svg", 1 << 24));
  const auto left_out =
      test::run_json({"inspect", model, "--passes", "--without", "fuse_projections"});
  EXPECT_EQ(left_out["passes"].size() + 1, json["passes"].size());
  test::expect_refused(run_verge({"inspect", model, "--passes", "--without", "x"}), 2, "no pass x");
}

}  // namespace
}  // namespace verge::cli
