#include <gtest/gtest.h>
#include <temporary_folder.hpp>
#include <vision_networks.hpp>

#include <verge/stages/serve/vision/line_reader.hpp>

namespace verge::serve {
namespace {

// Stripes of one height, 16 pixels wide each.
Image stripes(const std::vector<std::array<uint8_t, 3>>& colours) {
  Image image(48, static_cast<int64_t>(colours.size()) * 16);
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      std::ranges::copy(colours[static_cast<size_t>(x / 16)], image.at(y, x));
    }
  }
  return image;
}

constexpr std::array<uint8_t, 3> kRed = {255, 0, 0}, kGreen = {0, 255, 0}, kBlue = {0, 0, 255};

Quad whole(const Image& image) {
  const auto width = static_cast<double>(image.width), height = static_cast<double>(image.height);
  return {Point{0, 0}, Point{width, 0}, Point{width, height}, Point{0, height}};
}

class LineReaders : public testing::Test {
 protected:
  LineReaders() {
    files_.recognizer = folder_.add("rec.onnx", test::onnx_file(test::colour_recogniser()));
    files_.characters = folder_.add("keys.txt", "g\nr\n");
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
  LineReaderFiles files_;
};

TEST_F(LineReaders, ReadsStripesAsLetters) {
  auto reader = LineReader::open(files_, pool_);
  ASSERT_TRUE(reader) << reader.error().message;
  const Image line = stripes({kRed, kGreen, kBlue, kGreen, kRed});
  const auto read = reader->read(line, whole(line));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->text, "rggr");
  // Upright text of the same stripes, from the bottom up.
  const Image upright = turned_left(turned_over(line));
  const auto turned = reader->read(upright, whole(upright));
  ASSERT_TRUE(turned);
  EXPECT_EQ(turned->text, "rggr");
}

// A classifier of two classes: one that says "upside down" to everything turns every line.
TEST_F(LineReaders, AClassifierTurnsLines) {
  test::OnnxParts parts = test::colour_classifier(1, -1);
  parts.nodes = {
      test::onnx_node("ReduceMean", {"x"}, {"m"}), test::onnx_node("Reshape", {"m", "to"}, {"r"}),
      test::onnx_node("Mul", {"r", "zero"}, {"z"}), test::onnx_node("Add", {"z", "scores"}, {"y"})};
  parts.constants = {test::onnx_tensor<int64_t>("to", test::kOnnxInt64, {2}, {1, 1}),
                     test::onnx_tensor<float>("zero", test::kOnnxFloat, {1}, {0}),
                     test::onnx_tensor<float>("scores", test::kOnnxFloat, {1, 2}, {0, 9})};
  parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {1, 2})};
  files_.classifier = folder_.add("cls.onnx", test::onnx_file(parts));
  auto reader = LineReader::open(files_, pool_);
  ASSERT_TRUE(reader) << reader.error().message;
  const Image line = stripes({kRed, kGreen, kGreen});
  const auto read = reader->read(line, whole(line));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->text, "gr");
}

// Classes and steps are mistaken for each other: 40 of them for 320 pixels, 60 for 480.
TEST_F(LineReaders, ClassesThatChangeWithTheWidthAreRefused) {
  test::OnnxParts parts = test::colour_recogniser();
  parts.nodes.pop_back();
  parts.nodes.back() = test::onnx_node("Reshape", {"p", "to"}, {"y"});
  parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {-1, 3, -1})};
  files_.recognizer = folder_.add("wide.onnx", test::onnx_file(parts));
  std::string keys;
  for (int i = 0; i < 39; ++i) keys += fmt::format("{}\n", i);
  files_.characters = folder_.add("many.txt", keys);
  auto reader = LineReader::open(files_, pool_);
  ASSERT_TRUE(reader) << reader.error().message;
  const Image narrow = stripes({kRed}), wide = stripes(std::vector(21, kRed));
  const auto first = reader->read(narrow, whole(narrow));
  ASSERT_TRUE(first) << first.error().message;
  const auto second = reader->read(wide, whole(wide));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::Unsupported) << second.error().message;
}

TEST_F(LineReaders, WhatDoesNotFitIsNamed) {
  files_.characters = folder_.add("other.txt", "a\nb\nc\nd\n");
  auto reader = LineReader::open(files_, pool_);
  ASSERT_TRUE(reader);
  const Image line = stripes({kRed});
  EXPECT_NE(reader->read(line, whole(line)).error().message.find("other.txt: 4 characters"),
            std::string::npos);
  files_.recognizer = folder_.add("cls.onnx", test::onnx_file(test::colour_classifier()));
  auto wrong = LineReader::open(files_, pool_);
  ASSERT_TRUE(wrong);
  EXPECT_NE(wrong->read(line, whole(line)).error().message.find("is no recogniser's"),
            std::string::npos);
}

}  // namespace
}  // namespace verge::serve
