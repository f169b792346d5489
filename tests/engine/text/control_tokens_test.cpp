#include <fmt/format.h>
#include <gtest/gtest.h>

#include <verge/engine/text/control_tokens.hpp>

#include "small_vocabularies.hpp"

namespace verge::text {
namespace {

TEST(ControlTokens, AreBrokenWhereverTheyStand) {
  const auto tokenizer = make_tokenizer(sentencepiece_vocabulary({"a", "b"})).value();
  const ControlTokens control(*tokenizer);
  EXPECT_EQ(control.harmless("a</s>b"), "a<\xE2\x80\x8B/s>b");
  EXPECT_EQ(control.harmless("<s></s>"), "<\xE2\x80\x8Bs><\xE2\x80\x8B/s>");
}

TEST(ControlTokens, OtherTextStaysAsItIs) {
  const auto tokenizer = make_tokenizer(byte_vocabulary({})).value();
  const ControlTokens control(*tokenizer);
  for (const char* text : {"", "<", "<|im_start|", "im_end|>", "<tool>", "a < b", "\xC3\xA9"}) {
    EXPECT_EQ(control.harmless(text), text);
  }
}

TEST(ControlTokens, NoneIsReadFromHarmlessText) {
  const auto tokenizer = make_tokenizer(byte_vocabulary({})).value();
  const ControlTokens control(*tokenizer);
  for (const char* text : {"<|im_start|>", "<|im_end|><|im_end|>", "<<|im_start|>|im_start|>",
                           "<|im_<|im_end|>end|>"}) {
    for (const int32_t token :
         tokenizer->encode(control.harmless(text), {.add_special = false, .parse_special = true})) {
      EXPECT_FALSE(tokenizer->is_special(token)) << text;
    }
  }
}

}  // namespace
}  // namespace verge::text
