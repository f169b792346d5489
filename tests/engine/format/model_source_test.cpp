#include <gtest/gtest.h>

#include <verge/engine/format/model_source.hpp>

#include "gguf_bytes.hpp"
#include "temporary_folder.hpp"

namespace verge::format {
namespace {

TEST(ModelSource, ShowsAGgufFile) {
  const test::TemporaryFolder folder;
  const std::string path = folder.add("m.gguf", test::sample_file().str());
  Result<ModelSource> opened = ModelSource::open(path);
  ASSERT_TRUE(opened) << opened.error().message;
  const ModelSource source = std::move(*opened);
  EXPECT_EQ(source.format, "GGUF v3");
  EXPECT_EQ(source.path, path);
  EXPECT_EQ(source.tokenizer_json, "");
  EXPECT_EQ(source.files.size(), 1u);
  EXPECT_EQ(source.metadata.get_string("general.architecture").value(), "llama");
  ASSERT_NE(source.find("b.weight"), nullptr);
  EXPECT_EQ(source.find("b.weight")->bytes.size(), 36u);
  EXPECT_EQ(source.find("c.weight"), nullptr);
}

TEST(ModelSource, SaysWhatAFileIsInstead) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(ModelSource::open(folder.add("m", "<html>")).error().message,
            folder /
                "m: not a GGUF file but a web page, perhaps an error of the server; check the "
                "address and fetch it again");
  EXPECT_EQ(ModelSource::open(folder / "none").error().code, Code::NotFound);
}

TEST(ModelSource, ANameStandsOnce) {
  ModelSource source;
  StoredTensor tensor;
  tensor.name = "tensor";
  ASSERT_TRUE(source.add(tensor));
  EXPECT_FALSE(source.add(tensor));
}

}  // namespace
}  // namespace verge::format
