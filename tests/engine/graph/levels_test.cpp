#include <numeric>

#include <gtest/gtest.h>

#include <verge/engine/graph/levels.hpp>

namespace verge::graph {
namespace {

TEST(Levels, RoundAndClipAsTheirTypeSays) {
  const Levels u8(Attrs{{"to", "u8"}, {"y_zero", int64_t{128}}});
  EXPECT_EQ(u8.of(0.5f), 128);
  EXPECT_EQ(u8.of(1.5f), 130);
  EXPECT_EQ(u8.of(1e30f), 255);
  EXPECT_EQ(u8.of(-1e30f), 0);
  const Levels relu(Attrs{{"y_zero", int64_t{-128}}, {"low", int64_t{-128}}, {"high", int64_t{9}}});
  EXPECT_EQ(relu.of(-4), -128);
  EXPECT_EQ(relu.of(136.6f), 9);
  EXPECT_EQ(Levels(Attrs{{"to", "f32"}}).of(0.3f), 0.3f);
}

TEST(Levels, ImagesOfBothLayoutsAreTheSame) {
  const Attrs last{{"layout", "nhwc"}};
  EXPECT_EQ(channels_first(Dims{1, 2, 3, 4}, last), (Dims{1, 4, 2, 3}));
  EXPECT_EQ(in_layout(Dims{1, 4, 2, 3}, last), (Dims{1, 2, 3, 4}));
  EXPECT_EQ(channels_first(Shape{1, 2, 3, 4}, last), (Shape{1, 4, 2, 3}));
  EXPECT_EQ(channels_first(Dims{1, 2, 3, 4}, {}), (Dims{1, 2, 3, 4}));
  std::vector<double> values(2 * 3 * 2 * 2);
  std::iota(values.begin(), values.end(), 0.0);
  Tensor image(DType::U8, Shape{2, 2, 2, 3});
  store_image(image.view(), values, last);
  EXPECT_EQ(load_image(image.view(), last), values);
  EXPECT_EQ(load(image.view())[1], 4);  // the second channel of the first pixel
}

}  // namespace
}  // namespace verge::graph
