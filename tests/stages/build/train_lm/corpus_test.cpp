#include <algorithm>

#include <gtest/gtest.h>

#include <verge/stages/build/train_lm/corpus.hpp>

#include "temporary_folder.hpp"

namespace verge::build {
namespace {

std::string lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += "line " + std::to_string(i * 7919 % 1000) + " of a small book\n";
  return text;
}

TEST(Corpus, HoldsOutTheEndAtALine) {
  const test::TemporaryFolder folder;
  const std::string text = lines(400);
  const CorpusOptions options{
      .files = {folder.add("a.txt", text)}, .vocabulary = 300, .held_out = 0.1};
  const Result<Corpus> corpus = make_corpus(options, 16);
  ASSERT_TRUE(corpus) << corpus.error().message;
  const std::string training = corpus->tokenizer->decode(corpus->training);
  const std::string held_out = corpus->tokenizer->decode(corpus->held_out);
  EXPECT_EQ(training + held_out, text);
  EXPECT_TRUE(training.ends_with('\n'));
  EXPECT_EQ(corpus->held_out_bytes, static_cast<int64_t>(held_out.size()));
}

TEST(Corpus, TooLittleTextNamesBothNumbers) {
  const test::TemporaryFolder folder;
  const CorpusOptions options{.files = {folder.add("a.txt", lines(3))}, .vocabulary = 300};
  const Result<Corpus> corpus = make_corpus(options, 512);
  ASSERT_FALSE(corpus);
  EXPECT_NE(corpus.error().message.find("a context of 512 needs more"), std::string::npos)
      << corpus.error().message;
}

}  // namespace
}  // namespace verge::build
