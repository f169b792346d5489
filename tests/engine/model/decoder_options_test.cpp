#include <gtest/gtest.h>

#include <verge/engine/model/decoder_options.hpp>

#include "tiny_models.hpp"

namespace verge::model {
namespace {

TEST(DecoderOptions, PagesCoverTheContext) {
  nn::DecoderConfig config;
  config.context = 100'000;
  const nn::DecoderShape shape = decoder_shape(config, {.context = 100, .max_tokens = 512});
  EXPECT_EQ(shape.max_tokens, 100);
  EXPECT_GE(shape.pages_per_sequence * shape.page_tokens, 100);
  EXPECT_EQ(decoder_shape(config, {}).pages * decoder_shape(config, {}).page_tokens, 4096);
}

TEST(DecoderOptions, ManySequencesShareThePages) {
  nn::DecoderConfig config;
  config.context = 1000;
  const nn::DecoderShape shape = decoder_shape(
      config, {.context = 320, .max_tokens = 512, .max_sequences = 16, .kv_tokens = 1000});
  EXPECT_EQ(shape.max_tokens, 512);
  EXPECT_EQ(shape.max_outputs, 16);
  EXPECT_EQ(shape.max_sequences, 16);
  EXPECT_EQ(shape.pages_per_sequence, 10);
  EXPECT_EQ(shape.pages, 32);
  EXPECT_EQ(decoder_shape(config, {.max_tokens = 2, .max_sequences = 16}).max_tokens, 16);
  const nn::DecoderShape decode = decode_shape(shape);
  EXPECT_EQ(decode.max_tokens, 1);
  EXPECT_EQ(decode.max_sequences, 1);
  EXPECT_EQ(decode.pages, 32);
}

TEST(DecoderOptions, PathsHaveTwoPagesEachBesideTheContext) {
  const test::TemporaryFolder folder;
  const std::string path = test::write_model(folder, test::tiny_spec("tiny-llama"));
  LoadOptions options{.context = 100, .max_sequences = 1};
  ASSERT_TRUE(make_room_for_paths(path, 1, options));
  EXPECT_EQ(options.max_sequences, 1);
  EXPECT_EQ(options.kv_tokens, 0);
  ASSERT_TRUE(make_room_for_paths(path, 4, options));
  EXPECT_EQ(options.max_sequences, 4);
  EXPECT_EQ(options.kv_tokens, 128 + 3 * 64);
  EXPECT_EQ(make_room_for_paths(folder / "absent", 4, options).error().code, Code::NotFound);
}

TEST(DecoderOptions, AnExitHeadIsOneOfTheModels) {
  nn::DecoderConfig config;
  EXPECT_EQ(exit_layers_of(config, "model", 0).error().code, Code::Unsupported);
  config.exit_layers = {4, 2};
  EXPECT_EQ(*exit_layers_of(config, "model", 0), 2);
  EXPECT_EQ(*exit_layers_of(config, "model", 4), 4);
  const auto refused = exit_layers_of(config, "model", 3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "model: no exit head after 3 layers; it has some after 4, 2");
}

TEST(DecoderOptions, RefusesWhatDoesNotFit) {
  nn::DecoderConfig config;
  config.head_dim = 48;
  EXPECT_FALSE(check_options(config, {.max_sequences = 0}));
  EXPECT_FALSE(check_options(config, {.max_sequences = 1 << 20}));
  EXPECT_FALSE(check_options(config, {.kv_tokens = -1}));
  EXPECT_FALSE(check_options(config, {.context = -1}));
  EXPECT_FALSE(check_options(config, {.kv_dtype = DType::Q8_0}));
  EXPECT_TRUE(check_options(config, {}));
}

}  // namespace
}  // namespace verge::model
