#pragma once
// A vocabulary of a few words, for tests that need tokens but no model.

#include <memory>

#include <gtest/gtest.h>

#include <verge/engine/text/bpe_trainer.hpp>
#include <verge/engine/text/tokenizer.hpp>

namespace verge::serve::api {

/// Byte-level BPE with the control tokens "<|im_start|>" and "<|im_end|>", which ends an answer.
inline std::shared_ptr<const text::Tokenizer> tiny_tokenizer() {
  auto vocabulary = text::train_bpe(
      "hello hello hello world world world",
      {.tokens = 280, .special = {"<|im_start|>", "<|im_end|>"}, .eos = "<|im_end|>"});
  EXPECT_TRUE(vocabulary) << vocabulary.error().message;
  auto tokenizer = text::make_tokenizer(std::move(*vocabulary));
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return std::move(*tokenizer);
}

}  // namespace verge::serve::api
