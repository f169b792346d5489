#include <filesystem>

#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/engine/format/onnx/external_data.hpp>

namespace verge::format::onnx {
namespace {

class OnnxExternalData : public testing::Test {
 protected:
  OnnxExternalData() {
    std::filesystem::create_directory(folder_ / "model");
    folder_.add("model/w.bin", std::string(24, 'w'));
    folder_.add("secret.bin", std::string(24, 's'));
  }

  GraphData graph_of(ExternalData external) {
    TensorData tensor{.name = "w", .type = ElementType::Float, .dims = {4}};
    tensor.external = std::move(external);
    GraphData graph;
    graph.initializers.push_back(std::move(tensor));
    return graph;
  }
  Error refusal(ExternalData external) {
    GraphData graph = graph_of(std::move(external));
    return attach_external_data(graph, folder_ / "model").error();
  }

  test::TemporaryFolder folder_;
};

TEST_F(OnnxExternalData, IsMappedFromBesideTheModel) {
  GraphData graph = graph_of({"w.bin", 8, 16});
  ASSERT_TRUE(attach_external_data(graph, folder_ / "model"));
  EXPECT_EQ(graph.initializers[0].bytes.size(), 16u);
  EXPECT_EQ(std::to_integer<char>(graph.initializers[0].bytes[0]), 'w');
  EXPECT_NE(graph.initializers[0].owner, nullptr);
}

TEST_F(OnnxExternalData, NeverLeavesTheFolder) {
  std::filesystem::create_symlink(folder_ / "secret.bin", folder_ / "model/link.bin");
  for (const std::string& location :
       {std::string("../secret.bin"), folder_ / "secret.bin", std::string("link.bin"),
        std::string("sub/../../secret.bin"), std::string()}) {
    const Error error = refusal({location, 0, {}});
    EXPECT_EQ(error.code, Code::Denied) << location;
    EXPECT_NE(error.message.find("outside of the model's folder"), std::string::npos);
  }
}

TEST_F(OnnxExternalData, MustHoldTheValues) {
  EXPECT_EQ(refusal({"none.bin", 0, {}}).code, Code::NotFound);
  EXPECT_EQ(refusal({"w.bin", 9, {}}).code, Code::Malformed);
  EXPECT_EQ(refusal({"w.bin", ~uint64_t{0}, {}}).code, Code::Malformed);
  EXPECT_NE(refusal({"w.bin", 0, 12}).message.find("needs 16 bytes, 12 from byte 0"),
            std::string::npos);
}

}  // namespace
}  // namespace verge::format::onnx
