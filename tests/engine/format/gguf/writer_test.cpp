#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include <verge/engine/format/gguf/reader.hpp>
#include <verge/engine/format/gguf/writer.hpp>

#include "gguf_bytes.hpp"
#include "shared_data.hpp"

namespace verge::format {
namespace {

using test::GgufBytes;
using test::sample_file;

std::string written(const GgufWriter& writer) {
  std::string out;
  const Status status = writer.write_to([&](std::span<const std::byte> bytes) -> Status {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  });
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_EQ(writer.file_bytes().value(), out.size());
  return out;
}

std::string copied(std::span<const std::byte> bytes) {
  Result<Gguf> file = Gguf::parse(bytes);
  EXPECT_TRUE(file) << file.error().message;
  GgufWriter writer(file->metadata(), file->version());
  for (const StoredTensor& tensor : file->tensors()) EXPECT_TRUE(writer.add(tensor));
  return written(writer);
}

GgufBytes aligned_file(uint32_t alignment) {
  GgufBytes out;
  out.header(2, 1).key("general.alignment", 4, alignment);
  out.tensor("iq", {256}, 18, 0).tensor("x", {1, 1, 1, 2}, 28, alignment > 98 ? alignment : 104);
  return out.pad(alignment).data(98, alignment).data(16, alignment);
}

TEST(GgufWriter, CopiesAFileByteForByte) {
  const GgufBytes files[] = {sample_file(2), sample_file(3), aligned_file(8), aligned_file(4096),
                             GgufBytes().header(0, 0).pad()};
  for (const GgufBytes& file : files) EXPECT_EQ(copied(file.span()), file.str());
}

TEST(GgufWriter, CopiesARealModelByteForByte) {
  const std::string path = test::shared_data("models/stories260K.gguf");
  if (path.empty()) GTEST_SKIP() << "the folder of shared data is not here";
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  EXPECT_TRUE(copied(std::as_bytes(std::span(bytes))) == bytes);
}

TEST(GgufWriter, BuildsTheSampleFromItsParts) {
  Metadata metadata;
  metadata.set("general.architecture", "llama");
  metadata.set("llama.block_count", 99u);
  metadata.set("eps", 0.5f);
  metadata.set("flag", true);
  metadata.set("wide", int64_t{-5});
  const std::string_view tokens[] = {"a", "", "long token"};
  metadata.set_strings("tokens", tokens);
  metadata.set_array<float>("scores", std::vector<float>{1.5f, -2.f});
  metadata.set("gone", 1u);
  metadata.set("nested", *Gguf::parse(sample_file().span())->metadata().find("nested"));
  metadata.set("llama.block_count", 7u);  // replaced in place
  metadata.remove("gone");
  GgufWriter writer(metadata);
  const std::string ramp = GgufBytes().data(36).str();
  const auto bytes = std::as_bytes(std::span(ramp));
  ASSERT_TRUE(writer.add("a.weight", DType::F32, {2, 3}, bytes.first(24)));
  ASSERT_TRUE(writer.add("b.weight", DType::Q4_0, {2, 32}, [&](const ByteSink& sink) -> Status {
    VERGE_RETURN_IF_ERROR(sink(bytes.first(10)));
    return sink(bytes.subspan(10, 26));
  }));
  EXPECT_EQ(written(writer), sample_file().str());
}

TEST(GgufWriter, RefusesTensorsThatNoFileCanHold) {
  struct Case {
    std::string name;
    DType dtype;
    Shape shape;
    std::string message;
  };
  const Case cases[] = {
      {"first", DType::F32, {1}, "tensor first: added twice"},
      {"x", DType::U8, {1}, "tensor x: GGUF has no type u8"},
      {"x", DType::F32, {}, "tensor x: shape is [], expected 1 to 4 extents of at least 1"},
      {"x", DType::F32, {2, 0}, "tensor x: shape is [2, 0], expected 1 to 4 extents of at least 1"},
      {"x",
       DType::Q4_K,
       {4, 64},
       "tensor x: 64 columns are no multiple of the 256 values in a q4_K block; "
       "choose another type or fetch the file again"},
  };
  for (const Case& c : cases) {
    GgufWriter writer{Metadata()};
    ASSERT_TRUE(writer.add("first", DType::F32, {1}, std::span<const std::byte>()));
    const Status status = writer.add(c.name, c.dtype, c.shape, std::span<const std::byte>());
    ASSERT_FALSE(status) << c.message;
    EXPECT_EQ(status.error().message, c.message);
  }
}

TEST(GgufWriter, AnErrorWhileWritingLeavesTheOldFile) {
  const std::string path = testing::TempDir() + "verge_writer_test.gguf";
  std::ofstream(path) << "old";
  GgufWriter writer{Metadata()};
  ASSERT_TRUE(writer.add("x", DType::F32, {1}, [](const ByteSink&) -> Status {
    return make_error(Code::Cancelled, "stopped");
  }));
  EXPECT_EQ(writer.write(path).error().message, "stopped");
  EXPECT_EQ(std::filesystem::file_size(path), 3u);
  ASSERT_TRUE(GgufWriter{Metadata()}.write(path));
  EXPECT_TRUE(Gguf::open(path));
  std::filesystem::remove(path);
}

TEST(GgufWriter, AProducerThatMiscountsIsABug) {
  GgufWriter writer{Metadata()};
  const std::vector<std::byte> bytes(8);
  ASSERT_TRUE(writer.add("x", DType::F32, {1}, bytes));
  const auto ignore = [](std::span<const std::byte>) { return Status(); };
  EXPECT_THROW((void)writer.write_to(ignore), InternalError);
}

}  // namespace
}  // namespace verge::format
