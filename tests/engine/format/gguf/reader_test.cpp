#include <gtest/gtest.h>

#include <verge/engine/format/gguf/reader.hpp>

#include "gguf_bytes.hpp"
#include "shared_data.hpp"

namespace verge::format {
namespace {

using test::GgufBytes;
using test::sample_file;

TEST(GgufReader, ReadsEveryValueAndTensor) {
  for (uint32_t version : {2u, 3u}) {
    const GgufBytes bytes = sample_file(version);
    Result<Gguf> file = Gguf::parse(bytes.span());
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->version(), version);
    const Metadata& metadata = file->metadata();
    EXPECT_EQ(metadata.get_string("general.architecture").value(), "llama");
    EXPECT_EQ(metadata.get_u32("llama.block_count").value(), 7u);
    EXPECT_EQ(metadata.get_f32("eps").value(), 0.5f);
    EXPECT_TRUE(metadata.get_bool("flag").value());
    EXPECT_EQ(metadata.get_i64("wide").value(), -5);
    EXPECT_EQ(metadata.get_strings("tokens").value(),
              (std::vector<std::string_view>{"a", "", "long token"}));
    EXPECT_EQ(metadata.get_array<float>("scores").value(), (std::vector<float>{1.5f, -2.f}));
    const StoredTensor* b = file->find("b.weight");
    ASSERT_NE(b, nullptr);
    EXPECT_EQ(b->shape, Shape({2, 32}));
    EXPECT_EQ(b->dtype, DType::Q4_0);
    EXPECT_EQ(b->bytes.size(), 36u);
    EXPECT_EQ(std::to_integer<int>(b->bytes[35]), 35);
  }
}

TEST(GgufReader, RefusesAFileCutAtAnyByte) {
  const std::string whole = sample_file().str();
  const size_t last_data = whole.size() - 28;  // the padding behind 36 bytes is not needed
  for (size_t size = 0; size < last_data; ++size) {
    const std::string cut = whole.substr(0, size);
    EXPECT_FALSE(Gguf::parse(std::as_bytes(std::span(cut)))) << size;
  }
}

TEST(GgufReader, ReadsARealModel) {
  const std::string path = test::shared_data("models/stories260K.gguf");
  if (path.empty()) GTEST_SKIP() << "the folder of shared data is not here";
  Result<Gguf> file = Gguf::open(path);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->metadata().get_string("general.architecture").value(), "llama");
  EXPECT_EQ(file->metadata().get_strings("tokenizer.ggml.tokens").value().size(), 512u);
  EXPECT_EQ(file->find("token_embd.weight")->shape, Shape({512, 64}));
  EXPECT_EQ(file->find("blk.0.ffn_down.weight")->view().value().shape, Shape({64, 172}));
}

}  // namespace
}  // namespace verge::format
