#include <gtest/gtest.h>

#include <verge/engine/model/image_csv.hpp>

namespace verge::model {
namespace {

TEST(ImageCsv, PixelsThenTheClassTheLastLinesHeldOut) {
  const auto data =
      parse_image_csv("a,b,c,d,class\n0,16,8,4,3\n16,0,0,0,1\r\n1,2,3,4,0\n", "x", 0.3);
  ASSERT_TRUE(data) << data.error().message;
  EXPECT_EQ(data->classes, 4);
  EXPECT_EQ(data->training.height, 2);
  EXPECT_EQ(data->training.labels, (std::vector<int32_t>{3, 1}));
  EXPECT_EQ(data->test.labels, std::vector<int32_t>{0});
  EXPECT_EQ(
      (std::vector<uint8_t>{data->training.pixels.begin(), data->training.pixels.begin() + 4}),
      (std::vector<uint8_t>{0, 255, 128, 64}));
}

TEST(ImageCsv, SaysWhatIsWrongAndWhere) {
  const auto refusal = [](std::string_view text) {
    const auto data = parse_image_csv(text, "d.csv", 0.2);
    return data ? std::string("taken") : data.error().message;
  };
  EXPECT_EQ(refusal("0,1,2,3,1\n0,1,1\n"), "d.csv: line 2 has 3 numbers, those before have 5");
  EXPECT_EQ(refusal("0,1,2,3,1\n0,1,x,3,1\n"),
            "d.csv: line 2 holds something else than whole numbers from 0 to 65535");
  EXPECT_NE(refusal("0,1,1\n0,1,1\n").find("a square image"), std::string::npos);
  EXPECT_NE(refusal("").find("0 lines"), std::string::npos);
  EXPECT_NE(refusal("0,5000\n0,1000\n").find("class 5000"), std::string::npos);
}

TEST(ImageCsv, ResizedImagesKeepConstantsAndRamps) {
  const ImageSet flat{2, 2, {7, 7, 7, 7}, {1}};
  const ImageSet large = resized(flat, 5, 3);
  EXPECT_EQ(large.pixels, std::vector<uint8_t>(15, 7));
  EXPECT_EQ(large.labels, flat.labels);
  const ImageSet ramp{1, 2, {0, 200}, {0}};
  EXPECT_EQ(resized(ramp, 1, 4).pixels, (std::vector<uint8_t>{0, 50, 150, 200}));
}

}  // namespace
}  // namespace verge::model
