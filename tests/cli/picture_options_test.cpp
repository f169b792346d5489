#include <command_line.hpp>
#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/cli/picture_options.hpp>

namespace verge::cli {
namespace {

TEST(PictureOptions, BecomeSettings) {
  const test::TemporaryFolder folder;
  PictureRunOptions options;
  options.task = "detect";
  options.image_size = "320x640";
  options.resize = "letterbox";
  options.channels = "bgr";
  options.mean = {0.5};
  options.deviation = {0.1, 0.2, 0.3};
  options.iou = 0.6;
  options.labels = folder.add("labels.txt", "a\nb\n");
  options.settings = folder.add("net.toml", "iou = 0.1\nconfidence = 0.4\n");
  const auto read = options.read();
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->settings.task, serve::Task::Detect);
  EXPECT_EQ(read->settings.size, (std::array<int64_t, 2>{320, 640}));
  EXPECT_EQ(read->settings.is_bgr, true);
  EXPECT_EQ(read->settings.mean->at(2), 0.5f);
  EXPECT_EQ(read->settings.deviation->at(2), 0.3f);
  EXPECT_EQ(read->settings.iou, 0.6);
  EXPECT_EQ(read->settings.confidence, 0.4);
  EXPECT_EQ(read->settings.labels.size(), 2u);
  EXPECT_FALSE(read->settings.scale.has_value());
}

TEST(PictureOptions, MistakesNameTheOption) {
  const auto refusal = [](auto change) {
    PictureRunOptions options;
    change(options);
    const auto read = options.read();
    return read ? std::string() : read.error().message;
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(refusal([](auto& o) { o.image_size = "big"; }), "--image-size"));
  EXPECT_TRUE(has(refusal([](auto& o) { o.mean = {1, 2}; }), "--mean"));
  EXPECT_TRUE(has(refusal([](auto& o) { o.deviation = {0}; }), "--std"));
  EXPECT_TRUE(has(refusal([](auto& o) { o.crop = 0.009; }), "--crop 0.009"));
  EXPECT_TRUE(has(refusal([](auto& o) { o.iou = 2; }), "--iou"));
  EXPECT_TRUE(has(refusal([](auto& o) { o.run.reader.recognizer = "r"; }), "--characters"));
  EXPECT_TRUE(has(refusal([](auto& o) { o.labels = "/nonexistent"; }), "/nonexistent"));
}

}  // namespace
}  // namespace verge::cli
