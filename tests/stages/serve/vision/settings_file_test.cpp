#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/stages/serve/vision/settings.hpp>

namespace verge::serve {
namespace {

TEST(VisionSettingsFile, EveryKeyIsRead) {
  const test::TemporaryFolder folder;
  folder.add("names.txt", "cat\ndog\n");
  const auto settings = read_settings(folder.add("net.toml", R"(
task = "classify"
image-size = "160x224"
resize = "crop"
filter = "nearest"
crop = 0.9
channels = "bgr"
scale = 1
mean = [0.1, 0.2, 0.3]
std = 0.5
labels = "names.txt"
confidence = 0.3
iou = 0.6
)"));
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->task, Task::Classify);
  EXPECT_EQ(settings->size, (std::array<int64_t, 2>{160, 224}));
  EXPECT_EQ(settings->fit, Fit::Crop);
  EXPECT_EQ(settings->filter, Filter::Nearest);
  EXPECT_EQ(settings->kept, 0.9);
  EXPECT_EQ(settings->is_bgr, true);
  EXPECT_EQ(settings->scale, 1.0);
  EXPECT_EQ(settings->mean, (std::array<float, 3>{0.1f, 0.2f, 0.3f}));
  EXPECT_EQ(settings->deviation, (std::array<float, 3>{0.5f, 0.5f, 0.5f}));
  EXPECT_EQ(settings->labels, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(settings->confidence, 0.3);
  EXPECT_EQ(settings->iou, 0.6);
}

TEST(VisionSettingsFile, MistakesAreNamedByLineAndKey) {
  const std::pair<const char*, const char*> files[] = {
      {"\nimage-sise = 3", "net.toml:2: image-sise: is no key; near it: image-size"},
      {"task = \"guess\"", "net.toml:1: task: give classify, detect or text"},
      {"task = 3", "net.toml:1: task: give"},
      {"mean = [1, 2]", "net.toml:1: mean: give a number, or one for each"},
      {"mean = [\"a\"]", "net.toml:1: mean: give a number, or one for each of three channels"},
      {"mean = [1, 2, true]", "net.toml:1: mean: give a number, or one for each"},
      {"std = 0", "net.toml:1: std: nothing is divided by 0"},
      {"std = [1, 0, 1]", "net.toml:1: std: nothing is divided by 0"},
      {"crop = 0.009", "net.toml:1: crop: give a share from 0.01 to 1"},
      {"crop = 2", "net.toml:1: crop: give a share from 0.01 to 1"},
      {"iou = -1", "net.toml:1: iou: give a number above 0"},
      {"confidence = 40", "net.toml:1: confidence: give a share from 0 to 1"},
      {"iou = 1.5", "net.toml:1: iou: give a share from 0 to 1"},
      {"labels = [1]", "net.toml:1: labels: give an array of texts"},
      {"image-size = \"0\"", "net.toml:1: image-size: "},
      {"labels = \"none.txt\"", "none.txt"},
      {"= 3", "net.toml:1: is no TOML"},
  };
  const test::TemporaryFolder folder;
  for (const auto& [text, part] : files) {
    const auto settings = read_settings(folder.add("net.toml", text));
    ASSERT_FALSE(settings) << text;
    EXPECT_NE(settings.error().message.find(part), std::string::npos) << settings.error().message;
  }
}

}  // namespace
}  // namespace verge::serve
