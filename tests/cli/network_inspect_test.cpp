#include <command_line.hpp>
#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <temporary_folder.hpp>

namespace verge::cli {
namespace {

TEST(NetworkInspect, ShowsWhatTheNetworkIsMadeOf) {
  const test::TemporaryFolder folder;
  test::OnnxParts parts = test::small_onnx();
  parts.nodes.push_back(test::onnx_node("Unique", {"y"}, {"t"}));
  const std::string net = folder.add("net.onnx", test::onnx_file(parts, 13));
  const auto json = test::run_json({"inspect", net});
  EXPECT_EQ(json["format"], "onnx");
  EXPECT_EQ(json["opset"], 13);
  EXPECT_EQ(json["parameters"], 9);
  EXPECT_EQ(json["inputs"][0]["shape"].dump(), R"(["n",2])");
  EXPECT_EQ(json["operators"]["MatMul"], 1);
  EXPECT_EQ(json["unsupported"].size(), 1u);
  const auto text = test::run_verge({"inspect", net});
  EXPECT_NE(text.out.find("input    x                    float32  n x 2"), std::string::npos)
      << text.out;
  EXPECT_NE(text.out.find("no operator for Unique: node 2 \"the Unique\""), std::string::npos);
}

}  // namespace
}  // namespace verge::cli
