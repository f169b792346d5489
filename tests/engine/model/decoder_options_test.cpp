#include <gtest/gtest.h>

#include <verge/engine/model/decoder_options.hpp>

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

TEST(DecoderOptions, RefusesWhatDoesNotFit) {
  nn::DecoderConfig config;
  config.head_dim = 48;
  EXPECT_FALSE(check_options(config, {.context = -1}));
  EXPECT_FALSE(check_options(config, {.kv_dtype = DType::Q8_0}));
  EXPECT_TRUE(check_options(config, {}));
}

}  // namespace
}  // namespace verge::model
