#include <sstream>

#include <gtest/gtest.h>

#include <verge/engine/text/tokenizer.hpp>

#include "odd_strings.hpp"
#include "odd_vocabularies.hpp"

// odd_ids.txt holds what llama.cpp 0.5.0 (npm node-llama-cpp 3.22.1) made of the same strings with
// the same vocabularies, written as GGUF: a line each, a hash for every 100 strings.
#include "paths.hpp"

namespace verge::text {
namespace {

const std::string kFolder = test::source_file("tests/engine/text/");

uint64_t add_to_hash(uint64_t hash, int32_t id) {  // FNV-1a, a word at a time
  return (hash ^ static_cast<uint32_t>(id)) * 0x100000001B3;
}

/// One hash for each block of strings; every second string has its special tokens parsed.
std::vector<uint64_t> hashes(const Tokenizer& tokenizer) {
  OddStrings strings(kOddSeed);
  std::vector<uint64_t> blocks;
  for (int i = 0; i < kOddCount; ++i) {
    if (i % kOddBlock == 0) blocks.push_back(0xCBF29CE484222325);
    for (const int32_t id : tokenizer.encode(strings.next(), {.parse_special = i % 2 == 1})) {
      blocks.back() = add_to_hash(blocks.back(), id);
    }
    blocks.back() = add_to_hash(blocks.back(), -1);
  }
  return blocks;
}

TEST(PeerParity, OddStringsHaveTheSameIds) {
  const std::vector<std::string> merges = read_lines(kFolder + "odd_merges.txt");
  const std::vector<std::string> captured = read_lines(kFolder + "odd_ids.txt");
  const std::vector<Vocabulary> vocabularies = odd_vocabularies(merges);
  ASSERT_EQ(captured.size(), vocabularies.size());
  for (size_t v = 0; v < vocabularies.size(); ++v) {
    const auto tokenizer = make_tokenizer(vocabularies[v]);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    std::istringstream line(captured[v]);
    std::string name;
    line >> name >> std::hex;
    for (const uint64_t hash : hashes(**tokenizer)) {
      uint64_t expected = 0;
      ASSERT_TRUE(line >> expected);
      EXPECT_EQ(hash, expected) << name << ", block before byte " << line.tellg();
    }
  }
}

TEST(PeerParity, OddStringsComeBack) {
  const std::vector<std::string> merges = read_lines(kFolder + "odd_merges.txt");
  for (const Vocabulary& vocabulary : odd_vocabularies(merges)) {
    if (vocabulary.model != "gpt2") continue;  // a U+2581 of the text becomes a space
    const auto tokenizer = make_tokenizer(vocabulary);
    OddStrings strings(1);
    for (int i = 0; i < 500; ++i) {
      const std::string text = strings.next();
      std::string expected;
      for (const char32_t c : code_points(text)) append_utf8(expected, c);
      EXPECT_EQ((*tokenizer)->decode((*tokenizer)->encode(text)), expected) << vocabulary.pre;
    }
  }
}

}  // namespace
}  // namespace verge::text
