#include <gtest/gtest.h>
#include <vision_networks.hpp>

#include <verge/stages/serve/vision/draw.hpp>

namespace verge::serve {
namespace {

const Image kGround = test::plain_picture(60, 100, {10, 20, 30});

int64_t changed_pixels(const Image& image) {
  int64_t count = 0;
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    count += image.pixels[i] != 10 || image.pixels[i + 1] != 20 || image.pixels[i + 2] != 30;
  }
  return count;
}

bool is_ground(const Image& image, int64_t y, int64_t x) {
  return image.at(y, x)[0] == 10 && image.at(y, x)[1] == 20;
}

TEST(Draw, AnOutlineIsItsEdges) {
  Image image = kGround;
  draw_outline(image, {Point{20, 10}, Point{70, 10}, Point{70, 40}, Point{20, 40}}, {255, 0, 0}, 1);
  EXPECT_EQ(changed_pixels(image), 2 * 50 + 2 * 30);
  EXPECT_FALSE(is_ground(image, 10, 45));
  EXPECT_FALSE(is_ground(image, 25, 70));
  EXPECT_TRUE(is_ground(image, 25, 45));
}

TEST(Draw, WhatLiesOutsideIsCut) {
  Image image = kGround;
  draw_outline(image, {Point{-500, -500}, Point{1e6, -3}, Point{300, 1e9}, Point{-9, 80}},
               {255, 0, 0}, 3);
  EXPECT_GT(changed_pixels(image), 0);
  EXPECT_TRUE(is_ground(image, 30, 50));
}

TEST(Draw, EachAnswerIsSeen) {
  PictureAnswer classes, objects, lines;
  classes.classes = {{2, 0.9}};
  objects.objects = {{30, 20, 60, 50, 1, 0.8}};
  lines.lines = {{{Point{30, 20}, Point{60, 20}, Point{60, 50}, Point{30, 50}}, "a", 1}};
  const std::vector<std::string> labels = {"cat", "dog", "cow"};
  EXPECT_FALSE(is_ground(annotated(kGround, classes, labels), 0, 0));
  for (const PictureAnswer* answer : {&objects, &lines}) {
    const Image drawn = annotated(kGround, *answer, labels);
    EXPECT_FALSE(is_ground(drawn, 35, 60));
    EXPECT_FALSE(is_ground(drawn, 50, 45));
    EXPECT_TRUE(is_ground(drawn, 35, 45));
    EXPECT_TRUE(is_ground(drawn, 5, 5));
  }
  EXPECT_EQ(annotated(kGround, {}, labels).pixels, kGround.pixels);
}

TEST(Draw, ALabelLargerThanThePictureIsCut) {
  PictureAnswer answer;
  answer.objects = {{0, 0, 1, 1, 0, 1}};
  const std::vector<std::string> labels = {"a label that is far too long"};
  EXPECT_EQ(annotated(Image(1, 1), answer, labels).pixels.size(), 3u);
}

}  // namespace
}  // namespace verge::serve
