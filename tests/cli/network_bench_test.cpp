#include <command_line.hpp>
#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <temporary_folder.hpp>

namespace verge::cli {
namespace {

TEST(NetworkBenchCommand, ReportsTheMedian) {
  const test::TemporaryFolder folder;
  const std::string net = folder.add("net.onnx", test::onnx_file(test::small_onnx()));
  const std::vector<std::string> command = {"bench",    net, "--shape",   "x=3x2",    "-t", "1",
                                            "--repeat", "2", "--profile", "--kernels"};
  const auto json = test::run_json(command);
  test::expect_fields(
      json, {"model", "threads", "repeat", "load_s", "median_ms", "least_ms", "peak_rss_bytes",
             "gflop", "machine", "reference_nodes", "command", "profile", "kernels"});
  EXPECT_GT(json["median_ms"], 0);
  EXPECT_LE(json["least_ms"], json["median_ms"]);
  EXPECT_EQ(json["profile"][0]["op"], "linear");
  EXPECT_NE(json["command"].get<std::string>().find("--shape x=3x2 --threads 1 --repeat 2"),
            std::string::npos);
  EXPECT_NE(test::run_verge(command).out.find("one run"), std::string::npos);
  test::expect_refused(test::run_verge({"bench", net, "-t", "1"}), 2, "say how large it is");
}

}  // namespace
}  // namespace verge::cli
