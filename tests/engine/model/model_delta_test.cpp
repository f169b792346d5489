#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <small_disk.hpp>
#include <tiny_models.hpp>

#include <verge/engine/model/model_delta.hpp>

namespace verge::model {
namespace {

std::string content(const std::string& path) {
  return *read_whole_file(path, size_t{1} << 26);
}

// A copy with other bytes in some rows of a tensor and, if asked for, a line of lineage.
std::string tuned_copy(const std::string& path, const std::string& tensor,
                       const std::vector<int64_t>& rows, bool has_lineage = true) {
  const auto source = format::ModelSource::open(path);
  EXPECT_TRUE(source) << source.error().message;
  format::Metadata metadata = source->metadata;
  if (has_lineage) metadata.set("verge.lineage.command", std::string("a test"));
  format::GgufWriter writer(metadata);
  std::vector<std::byte> bytes;
  for (const format::StoredTensor& stored : source->tensors()) {
    if (stored.name != tensor) {
      EXPECT_TRUE(writer.add(stored));
      continue;
    }
    bytes.assign(stored.bytes.begin(), stored.bytes.end());
    const size_t row_bytes = bytes.size() / static_cast<size_t>(stored.shape[0]);
    for (const int64_t row : rows) {
      const auto of_row = std::span(bytes).subspan(static_cast<size_t>(row) * row_bytes, row_bytes);
      for (std::byte& byte : of_row) byte ^= std::byte{1};
    }
    EXPECT_TRUE(writer.add(stored.name, *stored.dtype, stored.shape, bytes));
  }
  const std::string copy = path + ".tuned";
  EXPECT_TRUE(writer.write(copy));
  return copy;
}

TEST(ModelDelta, BaseAndDeltaAreTheTunedFileByteForByte) {
  for (const DType dtype : {DType::F32, DType::F16, DType::BF16, DType::Q8_0, DType::Q4_K}) {
    const test::TemporaryFolder folder;
    const std::string base = test::write_model(folder, test::wide_spec("tiny-llama"), dtype);
    const std::string tuned = tuned_copy(base, "token_embd.weight", {2, 3, 40});
    const auto made = diff_models(base, tuned, folder / "d");
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->changed, 1u);
    const auto embedding = format::ModelSource::open(base)->find("token_embd.weight")->shape;
    EXPECT_EQ(made->bytes, 3 * bytes_of(dtype, embedding[1])) << name(dtype);
    const auto applied = apply_delta_to_file(base, folder / "d", folder / "again");
    ASSERT_TRUE(applied) << applied.error().message;
    EXPECT_EQ(applied->bytes, made->bytes);
    EXPECT_EQ(content(folder / "again"), content(tuned)) << name(dtype);
  }
}

TEST(ModelDelta, RefusesAnotherTitleThoughOnlyTensorsChanged) {
  const test::TemporaryFolder folder;
  const std::string base = test::write_model(folder, test::tiny_spec("tiny-llama"));
  const std::string tuned = tuned_copy(base, "output_norm.weight", {1}, false);
  ASSERT_TRUE(diff_models(base, tuned, folder / "d"));
  const std::string titled =
      test::rewrite_model(base, ".titled", [](auto& m) { m.set("general.name", "x"); });
  const auto applied = apply_delta_to_file(titled, folder / "d", folder / "out");
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Code::Conflict);
  ASSERT_TRUE(apply_delta_to_file(base, folder / "d", folder / "out"));
  EXPECT_EQ(content(folder / "out"), content(tuned));
}

TEST(ModelDelta, OfOnnxFilesAsWell) {
  const test::TemporaryFolder folder;
  auto parts = test::small_onnx();
  const std::string base = folder.add("a.onnx", test::onnx_file(parts));
  parts.constants[0] = test::onnx_tensor<float>("w", test::kOnnxFloat, {2, 3}, {1, 2, 3, 4, 9, 6});
  parts.nodes.push_back(test::onnx_node("Relu", {"y"}, {"z"}));
  const std::string tuned = folder.add("b.onnx", test::onnx_file(parts));
  const auto made = diff_models(base, tuned, folder / "d");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->changed, 1u);
  ASSERT_TRUE(apply_delta_to_file(base, folder / "d", folder / "c.onnx"));
  EXPECT_EQ(content(folder / "c.onnx"), content(tuned));
}

TEST(ModelDelta, RefusesAnotherBaseAndLeavesWhatWasThere) {
  const test::TemporaryFolder folder;
  const std::string base = test::write_model(folder, test::tiny_spec("tiny-llama"));
  const std::string tuned = tuned_copy(base, "output_norm.weight", {1});
  ASSERT_TRUE(diff_models(base, tuned, folder / "d"));
  folder.add("out", "old");
  EXPECT_EQ(apply_delta_to_file(tuned, folder / "d", folder / "out").error().code, Code::Conflict);
  const std::string titled =
      test::rewrite_model(base, ".titled", [](auto& m) { m.set("general.name", "x"); });
  const auto other = apply_delta_to_file(titled, folder / "d", folder / "out");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("other metadata"), std::string::npos);
  EXPECT_EQ(content(folder / "out"), "old");
  const std::string qwen = test::write_model(folder, test::tiny_spec("tiny-qwen2"));
  EXPECT_EQ(diff_models(base, qwen, folder / "e").error().code, Code::InvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(folder / "e"));
}

TEST(ModelDelta, ADiskThatIsFullAndACancelledRunLeaveTheOldFile) {
  const test::TemporaryFolder folder;
  const std::string base = test::write_model(folder, test::tiny_spec("tiny-llama"));
  const std::string tuned = tuned_copy(base, "output_norm.weight", {1});
  ASSERT_TRUE(diff_models(base, tuned, folder / "d"));
  folder.add("out", "old");
  const size_t entries = folder.entries();
  {
    const test::SmallDisk disk(100000);
    EXPECT_FALSE(apply_delta_to_file(base, folder / "d", folder / "out"));
  }
  const std::atomic<bool> cancel = true;
  const auto cancelled = apply_delta_to_file(base, folder / "d", folder / "out", {{}, &cancel});
  EXPECT_EQ(cancelled.error().code, Code::Cancelled);
  EXPECT_EQ(content(folder / "out"), "old");
  EXPECT_EQ(folder.entries(), entries);
}

}  // namespace
}  // namespace verge::model
