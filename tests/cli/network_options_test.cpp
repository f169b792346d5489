#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/cli/network_options.hpp>

namespace verge::cli {
namespace {

TEST(NetworkOptions, ReadShapesAndValues) {
  ShapeOptions options;
  options.shapes = {"x=1x3x48x320", "a=b=2"};
  options.values = {"sr=16000", "x=1"};
  const auto bindings = options.read();
  ASSERT_TRUE(bindings) << bindings.error().message;
  ASSERT_EQ(bindings->size(), 3u);
  EXPECT_EQ((*bindings)[0].shape, Shape({1, 3, 48, 320}));
  EXPECT_EQ((*bindings)[0].value, 1);
  EXPECT_EQ((*bindings)[1].name, "a=b");
  EXPECT_EQ((*bindings)[2].name, "sr");
  EXPECT_EQ((*bindings)[2].value, 16000);
}

TEST(NetworkOptions, RefuseWhatIsNeither) {
  const auto refusal = [](std::vector<std::string> shapes, std::vector<std::string> values) {
    ShapeOptions options;
    options.shapes = std::move(shapes);
    options.values = std::move(values);
    return options.read().error().message;
  };
  EXPECT_NE(refusal({"x"}, {}).find("--shape x: give NAME=1x3x48x320"), std::string::npos);
  EXPECT_NE(refusal({"x=1x0"}, {}).find("--shape x=1x0: give up to 6 extents"), std::string::npos);
  EXPECT_NE(refusal({"x=1x3x"}, {}).find("--shape x=1x3x: give"), std::string::npos);
  EXPECT_NE(refusal({"x=1x1x1x1x1x1x1"}, {}).find("up to 6"), std::string::npos);
  EXPECT_NE(refusal({}, {"sr=fast"}).find("--value sr=fast: give a number"), std::string::npos);
}

TEST(NetworkOptions, ArraysSayShapesAndSingleValues) {
  const test::TemporaryFolder folder;
  Tensor rate(DType::I64, Shape{});
  rate.span<int64_t>()[0] = 8000;
  const std::string path = folder / "sr.npy";
  ASSERT_TRUE(format::write_npy(path, rate.view()));
  const auto arrays = read_arrays({"sr=" + path});
  ASSERT_TRUE(arrays) << arrays.error().message;
  const auto bindings = bindings_of(*arrays);
  EXPECT_EQ(bindings[0].value, 8000);
  EXPECT_EQ(bindings[0].shape.rank(), 0);
  EXPECT_FALSE(read_arrays({"sr=" + folder.path() + "/none.npy"}));
  EXPECT_FALSE(read_arrays({path}));
}

TEST(NetworkOptions, KnowAnOnnxFileByItsName) {
  EXPECT_TRUE(is_network("a/net.onnx"));
  EXPECT_FALSE(is_network("net.gguf"));
}

}  // namespace
}  // namespace verge::cli
