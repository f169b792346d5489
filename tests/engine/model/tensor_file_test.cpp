#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <tiny_models.hpp>

#include <verge/engine/format/safetensors/writer.hpp>
#include <verge/engine/model/tensor_file.hpp>

namespace verge::model {
namespace {

// Gaps and tensors in turn.
std::string joined(const TensorFile& file) {
  std::string all;
  const auto append = [&](std::span<const std::byte> bytes) {
    all.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  for (size_t i = 0; i < file.tensors().size(); ++i) {
    append(file.gap(i));
    append(runtime::stored_bytes(file.tensors()[i].second));
  }
  append(file.gap(file.tensors().size()));
  return all;
}

std::string whole_of(const std::string& path) {
  return *read_whole_file(path, size_t{1} << 24);
}

std::string write_safetensors(const test::TemporaryFolder& folder) {
  format::SafetensorsWriter writer;
  writer.set_metadata("key", "value");
  const Tensor w(DType::F32, {4, 3}), levels(DType::I8, {5}), none(DType::F32, {0, 3});
  for (const auto& [name, tensor] :
       {std::pair("w", &w), std::pair("none", &none), std::pair("levels", &levels)}) {
    EXPECT_TRUE(
        writer.add(name, tensor->dtype(), tensor->shape(), runtime::stored_bytes(tensor->view())));
  }
  EXPECT_TRUE(writer.write(folder / "m.safetensors"));
  return folder / "m.safetensors";
}

TEST(TensorFile, TensorsAndWhatLiesAroundThemAreTheWholeFile) {
  const test::TemporaryFolder folder;
  const std::string paths[] = {
      write_safetensors(folder), folder.add("n.onnx", test::onnx_file(test::small_onnx())),
      test::write_model(folder, test::wide_spec("tiny-llama"), DType::Q4_K)};
  for (const std::string& path : paths) {
    const auto file = TensorFile::open(path);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(joined(*file), whole_of(path)) << path;
    EXPECT_GE(file->tensors().size(), 2u) << path;
  }
}

TEST(TensorFile, TensorsHaveTheirNamesTypesAndShapes) {
  const test::TemporaryFolder folder;
  const auto safetensors = TensorFile::open(write_safetensors(folder));
  ASSERT_TRUE(safetensors);
  ASSERT_EQ(safetensors->tensors().size(), 2u);  // the empty one is part of the header
  EXPECT_EQ(safetensors->tensors()[0].first, "w");
  EXPECT_EQ(safetensors->tensors()[0].second.shape, (Shape{4, 3}));
  EXPECT_EQ(safetensors->tensors()[1].second.dtype, DType::I8);
  const auto onnx = TensorFile::open(folder.add("n.onnx", test::onnx_file(test::small_onnx())));
  ASSERT_TRUE(onnx) << onnx.error().message;
  EXPECT_EQ(onnx->tensors()[0].first, "w");
  EXPECT_EQ(onnx->tensors()[0].second.shape, (Shape{2, 3}));
  EXPECT_EQ(onnx->tensors()[1].first, "b");
}

// As an ONNX file may have them: sixteen bits without a sign.
TEST(TensorFile, ValuesOfAnUnknownTypeAreBytes) {
  auto parts = test::small_onnx();
  parts.constants.push_back(test::onnx_tensor<uint16_t>("u", 4, {2, 3}, {1, 2, 3, 4, 5, 6}));
  const std::string bytes = test::onnx_file(parts);
  const auto file = TensorFile::parse(std::as_bytes(std::span(bytes)), "n.onnx");
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->tensors().size(), 3u);
  EXPECT_EQ(file->tensors()[2].second.dtype, DType::U8);
  EXPECT_EQ(file->tensors()[2].second.shape, (Shape{12}));
}

TEST(TensorFile, RefusesWhatIsNoModelFile) {
  const test::TemporaryFolder folder;
  EXPECT_NE(TensorFile::open(folder.add("x", "<html>"))
                .error()
                .message.find("not a GGUF, safetensors or ONNX file but a web page"),
            std::string::npos);
  EXPECT_EQ(TensorFile::open(folder / "none").error().code, Code::NotFound);
  EXPECT_EQ(TensorFile::open(folder.path()).error().code, Code::Unsupported);
  auto parts = test::small_onnx();
  parts.constants.push_back(parts.constants[0]);
  const auto twice = TensorFile::open(folder.add("n.onnx", test::onnx_file(parts)));
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("tensor w shares its name"), std::string::npos);
}

TEST(TensorFile, NamesExternalDataAndTheRemedy) {
  auto parts = test::small_onnx();
  test::OnnxMessage tensor;
  tensor.integer(1, 2).integer(2, 1).text(8, "far");
  tensor.message(13, test::OnnxMessage().text(1, "location").text(2, "n.data"));
  parts.constants.push_back(tensor.integer(14, 1));
  const std::string bytes = test::onnx_file(parts);
  const auto file = TensorFile::parse(std::as_bytes(std::span(bytes)), "n.onnx");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Code::Unsupported);
  EXPECT_NE(file.error().message.find("verge model export"), std::string::npos);
}

TEST(TensorFile, TheHashOfTheGapsIsOfWhatIsNoTensor) {
  auto parts = test::small_onnx();
  const std::string first = test::onnx_file(parts);
  parts.constants[1] = test::onnx_tensor<float>("b", test::kOnnxFloat, {3}, {7, 7, 7});
  const std::string same = test::onnx_file(parts), other = test::onnx_file(parts, 18);
  const auto hash = [](const std::string& bytes) {
    return TensorFile::parse(std::as_bytes(std::span(bytes)), "n.onnx")->gaps_hash();
  };
  EXPECT_EQ(hash(first), hash(same));
  EXPECT_NE(hash(first), hash(other));
}

}  // namespace
}  // namespace verge::model
