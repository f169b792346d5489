#include <gtest/gtest.h>
#include <zlib.h>

#include <verge/engine/model/image_data.hpp>

#include "idx_files.hpp"

namespace verge::model {
namespace {

using test::idx_labels;
using test::idx_word;

std::string images(uint32_t count) {
  return test::idx_images(count, 2, 3);
}

struct IdxFolder : test::TemporaryFolder {
  IdxFolder() { test::add_idx_files(*this, 2, 3, {1, 0, 9}, {7}); }
};

TEST(DataSet, ReadsIdxFiles) {
  const IdxFolder folder;
  const auto data = read_image_data(folder.path());
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->training.labels, (std::vector<int32_t>{1, 0, 9}));
  EXPECT_EQ(data->training.height, 2);
  EXPECT_EQ(data->training.width, 3);
  EXPECT_EQ(data->training.image(2)[5], 17);
  EXPECT_EQ(data->test.labels, std::vector<int32_t>{7});
}

TEST(DataSet, ReadsCompressedFiles) {
  const IdxFolder folder;
  const auto plain = read_image_data(folder.path());
  std::filesystem::remove(folder / "train-images-idx3-ubyte");
  const gzFile file = gzopen((folder / "train-images-idx3-ubyte.gz").c_str(), "wb");
  gzwrite(file, images(3).data(), 16 + 18);
  gzclose(file);
  const auto data = read_image_data(folder.path());
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->checksum, plain->checksum);
}

TEST(DataSet, SaysWhatIsWrongWithAnIdxFile) {
  const struct {
    const char* file;
    std::string content;
    const char* message;
  } cases[] = {
      {"train-labels-idx1-ubyte", idx_labels({1, 0, 10}), "label 10 of image 2"},
      {"train-labels-idx1-ubyte", idx_labels({1, 0}), "2 labels for 3 images"},
      {"train-labels-idx1-ubyte", images(3), "magic 0x803, wanted 0x801"},
      {"t10k-images-idx3-ubyte", images(1).substr(0, 20), "4 bytes of data, the header promises 6"},
      {"t10k-images-idx3-ubyte", "ab", "2 bytes, an IDX header has 16"},
      {"t10k-images-idx3-ubyte", idx_word(0x803) + idx_word(~0u) + idx_word(~0u) + idx_word(~0u),
       "promises"},
      {"t10k-images-idx3-ubyte", idx_word(0x803) + idx_word(0) + idx_word(2) + idx_word(3),
       "extent 0 is 0"},
  };
  for (const auto& c : cases) {
    const IdxFolder folder;
    folder.add(c.file, c.content);
    const auto data = read_image_data(folder.path());
    ASSERT_FALSE(data) << c.message;
    EXPECT_EQ(data.error().code, Code::Malformed);
    EXPECT_NE(data.error().message.find(c.message), std::string::npos) << data.error().message;
  }
}

TEST(DataSet, NamesMissingFiles) {
  const IdxFolder folder;
  std::filesystem::remove(folder / "t10k-labels-idx1-ubyte");
  EXPECT_EQ(read_image_data(folder.path()).error().code, Code::NotFound);
  EXPECT_EQ(read_image_data(folder / "nothing").error().code, Code::NotFound);
}

std::string json_image(int value) {
  std::string text = "[";
  for (int i = 0; i < 784; ++i) text += fmt::format("{}{}", i == 0 ? "" : ",", value);
  return text + "]";
}

std::string json_class(int label) {
  std::string text = "{\"data\":[";
  for (int i = 0; i < 1001; ++i) text += json_image(label) + ",";
  return text + "[]]}";
}

TEST(DataSet, ReadsOneJsonFileAClass) {
  const test::TemporaryFolder folder;
  for (int label = 0; label < 10; ++label) {
    folder.add(fmt::format("{}.json", label), json_class(label));
  }
  const auto data = read_image_data(folder.path());
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->test.count(), 10000);
  EXPECT_EQ(data->training.count(), 10);
  EXPECT_EQ(data->training.image(7)[783], 7);
  const char* const broken[] = {"{\"data\":[[1,2]]}", "{\"data\":[[1,256", "{\"data\":[[1,", "{}"};
  for (const char* text : broken) {
    folder.add("0.json", text);
    EXPECT_EQ(read_image_data(folder.path()).error().code, Code::Malformed) << text;
  }
}

}  // namespace
}  // namespace verge::model
