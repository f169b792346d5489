#include <gtest/gtest.h>
#include <temporary_folder.hpp>
#include <vision_networks.hpp>

#include <verge/stages/serve/vision/vision_network.hpp>

namespace verge::serve {
namespace {

TEST(VisionNetwork, TheNameSaysTheKind) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  EXPECT_TRUE(
      open_vision_network(folder.add("a.onnx", test::onnx_file(test::colour_classifier())), pool));
  EXPECT_NE(open_vision_network("a.gguf", pool).error().message.find("no network for pictures"),
            std::string::npos);
  EXPECT_EQ(open_vision_network(folder / "none.safetensors", pool).error().code, Code::NotFound);
}

}  // namespace
}  // namespace verge::serve
