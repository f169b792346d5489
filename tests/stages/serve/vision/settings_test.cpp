#include <gtest/gtest.h>

#include <verge/stages/serve/vision/settings.hpp>

namespace verge::serve {
namespace {

TEST(VisionSettings, WhatExportersWriteIsRead) {
  const std::vector<std::pair<std::string, std::string>> metadata = {
      {"task", "detect"},
      {"imgsz", "[480, 640]"},
      {"names", R"({0: 'person', 1: "dog's bed", 2: 'it\'s'})"},
      {"stride", "32"}};
  const VisionSettings settings = settings_of_metadata(metadata);
  EXPECT_EQ(settings.task, Task::Detect);
  EXPECT_EQ(settings.size, (std::array<int64_t, 2>{480, 640}));
  EXPECT_EQ(settings.labels, (std::vector<std::string>{"person", "dog's bed", "it's"}));
  EXPECT_EQ(settings.fit, Fit::Letterbox);
}

TEST(VisionSettings, WhatExportersBreakIsPassedOver) {
  for (const char* text : {"", "[", "[640", "[0, 5]", "[99999999999999999999, 1]", "{0: 'a"}) {
    const std::vector<std::pair<std::string, std::string>> metadata = {
        {"task", "segment"}, {"imgsz", text}, {"names", text}};
    const VisionSettings settings = settings_of_metadata(metadata);
    EXPECT_FALSE(settings.task || settings.size) << text;
    EXPECT_TRUE(settings.labels.empty()) << text;
  }
}

TEST(VisionSettings, TheStrongerStays) {
  VisionSettings settings;
  settings.size = {32, 32};
  VisionSettings weaker;
  weaker.size = {64, 64};
  weaker.confidence = 0.5;
  weaker.labels = {"a"};
  settings.fill_from(weaker);
  EXPECT_EQ(settings.size, (std::array<int64_t, 2>{32, 32}));
  EXPECT_EQ(settings.confidence, 0.5);
  EXPECT_EQ(settings.labels, std::vector<std::string>{"a"});
}

TEST(VisionSettings, SizesAreSidesOrTwo) {
  EXPECT_EQ(*size_of("224", "--image-size"), (std::array<int64_t, 2>{224, 224}));
  EXPECT_EQ(*size_of("480x640", "--image-size"), (std::array<int64_t, 2>{480, 640}));
  for (const char* text : {"", "0", "x", "5x", "-3", "20000", "3x4x5", "big"}) {
    const auto size = size_of(text, "--image-size");
    ASSERT_FALSE(size) << text;
    EXPECT_NE(size.error().message.find("--image-size"), std::string::npos);
  }
}

TEST(VisionSettings, ChannelsHaveOneNumberOrThree) {
  EXPECT_EQ(*channel_values(std::vector<double>{0.5}, "--mean"),
            (std::array<float, 3>{0.5f, 0.5f, 0.5f}));
  EXPECT_EQ((*channel_values(std::vector<double>{1, 2, 3}, "--mean"))[2], 3);
  EXPECT_FALSE(channel_values(std::vector<double>{1, 2}, "--mean"));
}

}  // namespace
}  // namespace verge::serve
