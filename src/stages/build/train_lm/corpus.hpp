#pragma once
// Corpus: text as tokens of a vocabulary trained on it, cut into a training and a held-out part.

#include <memory>
#include <string>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/engine/text/tokenizer.hpp>

namespace verge::build {

struct Corpus {
  std::unique_ptr<text::Tokenizer> tokenizer;
  std::vector<int32_t> training;
  std::vector<int32_t> held_out;  // the end of the text
  int64_t held_out_bytes = 0;     // of text, for bits per byte
  std::string sha;                // checksum of the text, hexadecimal
};

struct CorpusOptions {
  std::vector<std::string> files;
  int32_t vocabulary = 4096;  // tokens of the byte-level BPE trained on the training part
  double held_out = 0.05;     // share of the text
};

/// Reads the files in order, trains the vocabulary and tokenizes. Fails with InvalidArgument when
/// the text is too short for the context, or as read_whole_file and train_bpe do.
Result<Corpus> make_corpus(const CorpusOptions& options, int64_t context);

}  // namespace verge::build
