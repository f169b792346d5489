#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <temporary_folder.hpp>

#include <verge/engine/format/onnx/reader.hpp>

namespace verge::format::onnx {
namespace {

TEST(OnnxReader, MapsTheFile) {
  const test::TemporaryFolder folder;
  const std::string path = folder.add("net.onnx", test::onnx_file(test::small_onnx()));
  const auto file = Onnx::open(path);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->parameters(), 9);
  EXPECT_EQ(file->path(), path);
  const auto weight = file->model().graph.initializers[0].bytes;
  EXPECT_GE(weight.data(), file->file()->bytes().data());
  EXPECT_LT(weight.data(), file->file()->bytes().data() + file->file()->size());
}

// Cut between two fields, a file may still be one: then a part is missing that it needs.
TEST(OnnxReader, NeverReadsPastAFileCutAtAnyByte) {
  const std::string whole = test::onnx_file(test::small_onnx());
  size_t refused = 0;
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    const auto file = Onnx::parse(test::onnx_bytes(cut), "net.onnx");
    if (file) continue;
    ++refused;
    EXPECT_TRUE(file.error().message.starts_with("net.onnx: ")) << file.error().message;
  }
  EXPECT_GT(refused, whole.size() - 20);
}

TEST(OnnxReader, SaysWhatAFileReallyIs) {
  const std::string gguf = "GGUF and more";
  EXPECT_NE(Onnx::parse(test::onnx_bytes(gguf), "m").error().message.find("a GGUF file"),
            std::string::npos);
  EXPECT_EQ(Onnx::open("/nonexistent/net.onnx").error().code, Code::NotFound);
}

}  // namespace
}  // namespace verge::format::onnx
