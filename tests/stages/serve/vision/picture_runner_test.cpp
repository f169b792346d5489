#include <gtest/gtest.h>
#include <temporary_folder.hpp>
#include <vision_networks.hpp>

#include <verge/engine/format/image/writer.hpp>
#include <verge/stages/serve/vision/picture_runner.hpp>

namespace verge::serve {
namespace {

class PictureRuns : public testing::Test {
 protected:
  PictureRuns() {
    options_.settings.scale = 1.0 / 255;  // from 0 to 1
    options_.settings.fit = Fit::Stretch;
  }

  std::string picture(const std::string& name, const Image& image) {
    EXPECT_TRUE(format::write_image(folder_ / name, image));
    return folder_ / name;
  }
  std::string plain(const std::string& name, std::array<uint8_t, 3> colour) {
    return picture(name, test::plain_picture(20, 30, colour));
  }

  std::vector<PictureAnswer> answers(const std::string& network,
                                     const std::vector<std::string>& files) {
    std::vector<PictureAnswer> all;
    auto runner = PictureRunner::open(folder_.add("net.onnx", network), options_, pool_);
    EXPECT_TRUE(runner) << runner.error().message;
    if (!runner) return all;
    const auto counts = runner->run(files, [&](const PictureAnswer& answer, const Image&) {
      all.push_back(answer);
      return Status();
    });
    EXPECT_TRUE(counts) << counts.error().message;
    const auto seen = counts ? counts->answered + counts->failed : 0;
    EXPECT_EQ(seen, std::ssize(files));
    return all;
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
  PictureOptions options_;
};

// Sixteen pictures, one of them damaged, in batches of any size: the same answers in their order.
TEST_F(PictureRuns, NothingIsLostInBatches) {
  const std::array<uint8_t, 3> colours[] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}};
  std::vector<std::string> files;
  for (size_t i = 0; i < 16; ++i) {
    files.push_back(plain(fmt::format("{}.png", i), colours[i * i % 3]));
  }
  folder_.add("7.png", "damaged");
  for (const int64_t batch : {1, 2, 5, 16, 40}) {
    options_.batch = batch;
    options_.readers = batch == 1 ? 1 : 3;
    const auto all = answers(test::onnx_file(test::colour_classifier()), files);
    ASSERT_EQ(all.size(), 16u) << batch;
    for (size_t i = 0; i < 16; ++i) {
      EXPECT_EQ(all[i].path, files[i]);
      ASSERT_EQ(all[i].error.has_value(), i == 7) << batch << " " << i;
      if (i == 7) continue;
      EXPECT_EQ(all[i].classes.front().index, static_cast<int64_t>(i * i % 3)) << batch << " " << i;
      EXPECT_EQ(all[i].classes.size(), 3u);
    }
  }
}

TEST_F(PictureRuns, ANetworkOfAFixedBatchIsFilledUp) {
  const std::vector<std::string> files = {plain("a.png", {0, 255, 0}), plain("b.png", {255, 0, 0}),
                                          plain("c.png", {0, 0, 255})};
  const auto all = answers(test::onnx_file(test::colour_classifier(2, 8)), files);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].classes[0].index, 1);
  EXPECT_EQ(all[2].classes[0].index, 2);
  options_.batch = 3;
  const auto refused = PictureRunner::open(folder_ / "net.onnx", options_, pool_);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("takes 2 pictures at a time"), std::string::npos);
}

TEST_F(PictureRuns, HugeBatchesAreRefused) {
  const auto refusal = [&](const test::OnnxParts& parts) {
    const auto runner =
        PictureRunner::open(folder_.add("net.onnx", test::onnx_file(parts)), options_, pool_);
    return runner ? Code::Internal : runner.error().code;
  };
  EXPECT_EQ(refusal(test::colour_classifier(4097, 8)), Code::InvalidArgument);
  options_.batch = 4097;
  EXPECT_EQ(refusal(test::colour_classifier()), Code::InvalidArgument);
}

TEST_F(PictureRuns, APictureTooNarrowForACropIsNamedAndTheOthersAreAnswered) {
  options_.settings.fit = Fit::Crop;
  const std::string narrow = picture("narrow.png", test::plain_picture(1, 900'000, {9, 9, 9}));
  const auto all = answers(test::onnx_file(test::colour_classifier(-1, 64)),
                           {narrow, plain("red.png", {255, 0, 0})});
  ASSERT_EQ(all.size(), 2u);
  ASSERT_TRUE(all[0].error);
  EXPECT_NE(all[0].error->message.find("too narrow"), std::string::npos) << all[0].error->message;
  EXPECT_EQ(all[0].error->message.find(narrow), 0u) << all[0].error->message;
  EXPECT_FALSE(all[1].error);
}

TEST_F(PictureRuns, SettingsBesideTheModelAreRead) {
  folder_.add("net.toml", "labels = ['r', 'g', 'b']\nchannels = 'bgr'\n");
  const auto all =
      answers(test::onnx_file(test::colour_classifier()), {plain("a.png", {255, 0, 0})});
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].classes[0].index, 2);  // red is the last channel
}

// A box of the network's 64 x 64 input, of a letterboxed picture twice as wide as high.
TEST_F(PictureRuns, ObjectsAreInPixelsOfThePicture) {
  options_.settings.fit = std::nullopt;
  std::vector<float> head(6 * 9);  // one box that is sure of anything
  const float values[] = {32, 32, 16, 8, 0.1f, 0.8f};
  for (size_t i = 0; i < 6; ++i) head[i * 9] = values[i];
  const auto all = answers(test::onnx_file(test::fixed_detector(head, 6, 9, 64)),
                           {picture("wide.png", test::plain_picture(64, 128, {9, 9, 9}))});
  ASSERT_EQ(all.size(), 1u);
  ASSERT_EQ(all[0].objects.size(), 1u);
  const Detection& box = all[0].objects[0];
  EXPECT_EQ(box.index, 1);
  EXPECT_NEAR(box.confidence, 0.8, 1e-6);
  EXPECT_NEAR(box.left, 48, 1e-6);
  EXPECT_NEAR(box.right, 80, 1e-6);
  EXPECT_NEAR(box.top, 24, 1e-6);
  EXPECT_NEAR(box.bottom, 40, 1e-6);
}

// White bars on black are text, by this network; each holds a green and a red half.
TEST_F(PictureRuns, TextIsFoundAndRead) {
  options_.settings.is_bgr = false;
  Image page(128, 256);
  for (int64_t y = 40; y < 60; ++y) {
    for (int64_t x = 64; x < 192; ++x) {
      const uint8_t yellow_or_red[] = {255, static_cast<uint8_t>(x < 128 ? 255 : 0), 0};
      std::ranges::copy(yellow_or_red, page.at(y, x));
    }
  }
  const std::string file = picture("page.png", page);
  const std::string network = test::onnx_file(test::first_channel_detector());
  const auto found = answers(network, {file});
  ASSERT_EQ(found.size(), 1u);
  ASSERT_EQ(found[0].lines.size(), 1u);
  const double margin = 128.0 * 20 * 1.8 / (2 * (128 + 20));
  EXPECT_NEAR(found[0].lines[0].quad[0].x, 64 - margin, 0.1);
  EXPECT_NEAR(found[0].lines[0].quad[2].y, 60 + margin, 0.1);
  EXPECT_NEAR(found[0].lines[0].confidence, 1, 1e-5);
  options_.reader.recognizer = folder_.add("rec.onnx", test::onnx_file(test::colour_recogniser()));
  options_.reader.characters = folder_.add("keys.txt", "g\nr\n");
  const auto read = answers(network, {file});
  ASSERT_EQ(read.size(), 1u);
  ASSERT_EQ(read[0].lines.size(), 1u);
  EXPECT_EQ(read[0].lines[0].text, "gr");
}

TEST_F(PictureRuns, AnOutputOfAnotherTaskIsNamed) {
  options_.settings.task = Task::Detect;
  options_.settings.size = {8, 8};
  auto runner = PictureRunner::open(
      folder_.add("net.onnx", test::onnx_file(test::colour_classifier())), options_, pool_);
  ASSERT_TRUE(runner) << runner.error().message;
  const auto counts = runner->run({plain("a.png", {1, 2, 3})},
                                  [](const PictureAnswer&, const Image&) { return Status(); });
  ASSERT_FALSE(counts);
  EXPECT_NE(counts.error().message.find("[1, 3] is no list of boxes"), std::string::npos)
      << counts.error().message;
}

TEST_F(PictureRuns, CanBeInterrupted) {
  auto runner = PictureRunner::open(
      folder_.add("net.onnx", test::onnx_file(test::colour_classifier())), options_, pool_);
  ASSERT_TRUE(runner);
  std::atomic<bool> cancel = true;
  const auto counts = runner->run(
      {plain("a.png", {1, 2, 3})}, [](const PictureAnswer&, const Image&) { return Status(); },
      &cancel);
  EXPECT_EQ(counts.error().code, Code::Cancelled);
}

}  // namespace
}  // namespace verge::serve
