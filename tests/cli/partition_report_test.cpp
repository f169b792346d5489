#include <sstream>

#include <command_line.hpp>
#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <temporary_folder.hpp>

#include <verge/cli/partition_report.hpp>

namespace verge::cli {
namespace {

graph::PartitionReport report() {
  graph::PartitionReport report{"device", {}, {}};
  report.regions.push_back({.nodes = {"conv2d (a)", "conv2d (b)", "add"},
                            .flops = 2e6,
                            .weight_bytes = 4096,
                            .memory_bytes = 8192,
                            .bytes_to = 1024,
                            .bytes_from = 2048,
                            .copies = 3});
  report.stayed.push_back({"softmax (c)", {"no softmax", "x is f32"}});
  return report;
}

TEST(PartitionReport, SaysRegionsCopiesAndAllReasons) {
  std::ostringstream out;
  print_partition(report(), out);
  EXPECT_EQ(out.str(),
            "device: 3 of 4 nodes in 1 region; 3 copies of 3 KiB a run\n"
            "region 1: 1 add, 2 conv2d; 2.0 MFLOP, weights 4 KiB, memory 8 KiB, 1 KiB to it "
            "and 2 KiB back\n"
            "on the CPU:\n"
            "  softmax (c): no softmax; x is f32\n");
}

TEST(PartitionReport, IsAllThereAsJson) {
  const auto json = partition_json(report());
  EXPECT_EQ(json["delegated_nodes"], 3);
  EXPECT_EQ(json["copied_bytes"], 3072);
  EXPECT_EQ(json["regions"][0]["nodes"][1], "conv2d (b)");
  EXPECT_EQ(json["stayed"][0]["reasons"].size(), 2U);
}

TEST(PartitionReport, InspectShowsItOfANetwork) {
  const test::TemporaryFolder folder;
  const std::string net = folder.add("net.onnx", test::onnx_file(test::small_onnx()));
  const std::vector<std::string> command = {"inspect", net,         "--shape",
                                            "x=64x2",  "--backend", "int8-dsp"};
  const auto json = test::run_json(command);
  EXPECT_EQ(json["backend"], "int8-dsp");
  ASSERT_FALSE(json["stayed"].empty());
  EXPECT_GE(json["stayed"][0]["reasons"].size(), 2U);
  EXPECT_NE(test::run_verge(command).out.find("the device has no linear"), std::string::npos);
  test::expect_refused(test::run_verge({"inspect", net, "--shape", "x=64x2", "--backend", "auto"}),
                       2, "--backend auto");
}

}  // namespace
}  // namespace verge::cli
