#include <gtest/gtest.h>

#include <verge/engine/model/image_network.hpp>

#include "temporary_folder.hpp"

namespace verge::model {
namespace {

ImageNetwork some_network() {
  return {{.channels = 1, .height = 9, .width = 7, .classes = 3, .stages = {{4, 5}, {6}}},
          {.mean = 12.5f, .deviation = 0.1f},
          true};
}

/// The network's file with `key` replaced; an empty key changes nothing.
Result<ImageNetwork> written_and_read(const std::string& key, const std::string& value) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "net.safetensors";
  format::SafetensorsWriter described;
  describe_network(some_network(), described);
  if (!key.empty()) described.set_metadata(key, value);
  VERGE_RETURN_IF_ERROR(described.write(path));
  VERGE_TRY(const format::Safetensors file, format::Safetensors::open(path));
  return read_network(file, path);
}

TEST(ImageNetwork, ComesBackAsItWas) {
  const auto read = written_and_read("", "");
  ASSERT_TRUE(read) << read.error().message;
  const ImageNetwork want = some_network();
  EXPECT_EQ(read->config.height, want.config.height);
  EXPECT_EQ(read->config.width, want.config.width);
  EXPECT_EQ(read->config.classes, want.config.classes);
  EXPECT_EQ(read->config.stages, want.config.stages);
  EXPECT_EQ(read->normalization.mean, want.normalization.mean);
  EXPECT_EQ(read->normalization.deviation, want.normalization.deviation);
  EXPECT_TRUE(read->mirror);
}

TEST(ImageNetwork, NamesTheKeyThatIsWrong) {
  const struct {
    const char *key, *value;
    Code code;
  } cases[] = {{"verge.architecture", "llama", Code::Unsupported},
               {"verge.cnn.height", "tall", Code::Malformed},
               {"verge.cnn.width", "0", Code::Malformed},
               {"verge.cnn.classes", "99999999999999", Code::Malformed},
               {"verge.cnn.stages", "4,;6", Code::Malformed},
               {"verge.cnn.pixel_mean", "", Code::Malformed},
               {"verge.cnn.pixel_mean", "inf", Code::Malformed},
               {"verge.cnn.pixel_deviation", "0", Code::Malformed},
               {"verge.cnn.pixel_deviation", "nan", Code::Malformed}};
  for (const auto& c : cases) {
    const auto read = written_and_read(c.key, c.value);
    ASSERT_FALSE(read) << c.key;
    EXPECT_EQ(read.error().code, c.code) << c.key;
    if (c.code == Code::Malformed) {
      EXPECT_NE(read.error().message.find(c.key), std::string::npos) << read.error().message;
    }
  }
}

TEST(ImageNetwork, RefusesAFileThatSaysNothing) {
  const test::TemporaryFolder folder;
  const std::string path = folder / "bare.safetensors";
  ASSERT_TRUE(format::SafetensorsWriter().write(path));
  const auto file = format::Safetensors::open(path);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(read_network(*file, path).error().code, Code::Malformed);
}

}  // namespace
}  // namespace verge::model
