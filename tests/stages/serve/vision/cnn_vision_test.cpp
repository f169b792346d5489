#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/core/rng.hpp>
#include <verge/engine/model/image_network.hpp>
#include <verge/stages/serve/vision/cnn_vision.hpp>

namespace verge::serve {
namespace {

// Random weights, as `verge train image` would write them.
std::string cnn_file(const test::TemporaryFolder& folder, bool mirror, int64_t channels = 1) {
  const model::ImageNetwork network{
      {.channels = channels, .height = 8, .width = 6, .classes = 4, .stages = {{4}, {8}}},
      {.mean = 30, .deviation = 50},
      mirror};
  format::SafetensorsWriter writer;
  model::describe_network(network, writer);
  Rng rng(1);
  std::vector<std::vector<float>> kept;
  for (const nn::CnnParameter& parameter : nn::cnn_parameters(network.config)) {
    auto& values = kept.emplace_back(static_cast<size_t>(parameter.shape.count()));
    for (float& x : values) x = 0.2f + static_cast<float>(rng.uniform());
    EXPECT_TRUE(
        writer.add(parameter.name, DType::F32, parameter.shape, std::as_bytes(std::span(values))));
  }
  EXPECT_TRUE(writer.write(folder / "net.safetensors"));
  return folder / "net.safetensors";
}

std::vector<float> random_values(size_t count) {
  Rng rng(2);
  std::vector<float> values(count);
  for (float& x : values) x = static_cast<float>(rng.uniform() * 2 - 1);
  return values;
}

TEST(CnnVision, SaysHowItsPicturesWereMade) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const auto network = open_cnn_vision(cnn_file(folder, false), pool, {});
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_EQ((*network)->input().shape.channels, 1);
  EXPECT_EQ((*network)->input().shape.height, 8);
  EXPECT_EQ((*network)->settings().task, Task::Classify);
  EXPECT_EQ((*network)->settings().scale, 1.0);
  EXPECT_EQ((*network)->settings().mean->at(2), 30);
  EXPECT_EQ((*network)->settings().deviation->at(0), 50);
}

TEST(CnnVision, ChannelsThatNoPictureHasAreRefused) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  EXPECT_TRUE(open_cnn_vision(cnn_file(folder, false, 3), pool, {}));
  const auto refused = open_cnn_vision(cnn_file(folder, false, 2), pool, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::Unsupported) << refused.error().message;
}

TEST(CnnVision, ABatchIsItsPictures) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  const auto network = open_cnn_vision(cnn_file(folder, false), pool, {});
  ASSERT_TRUE(network) << network.error().message;
  const PictureShape shape = (*network)->input().shape;
  const std::vector<float> values = random_values(3 * 48);
  const auto together = (*network)->run(3, shape, values);
  ASSERT_TRUE(together) << together.error().message;
  for (size_t i = 0; i < 3; ++i) {
    const auto alone = (*network)->run(1, shape, std::span(values).subspan(i * 48, 48));
    ASSERT_TRUE(alone);
    for (size_t c = 0; c < 4; ++c) {
      EXPECT_NEAR(alone->front().span<float>()[c], together->front().span<float>()[i * 4 + c],
                  1e-4);
    }
  }
}

// By the sum over a picture and its mirror, both are the same.
TEST(CnnVision, AMirroredPictureIsTheSameWhereTrainingMirrored) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  std::vector<float> values = random_values(48), mirrored = values;
  for (auto row = mirrored.begin(); row != mirrored.end(); row += 6) std::reverse(row, row + 6);
  for (const bool mirror : {true, false}) {
    const auto network = open_cnn_vision(cnn_file(folder, mirror), pool, {});
    ASSERT_TRUE(network);
    const auto one = (*network)->run(1, (*network)->input().shape, values);
    const auto other = (*network)->run(1, (*network)->input().shape, mirrored);
    ASSERT_TRUE(one && other);
    double difference = 0;
    for (size_t c = 0; c < 4; ++c) {
      difference += std::abs(one->front().span<float>()[c] - other->front().span<float>()[c]);
    }
    EXPECT_EQ(difference < 1e-4, mirror) << difference;
  }
}

}  // namespace
}  // namespace verge::serve
