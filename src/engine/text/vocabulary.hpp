#pragma once
// Vocabulary: everything a file says about its tokenizer, as plain data. The fields are those of
// GGUF's tokenizer.ggml.*; a reader fills in what the file has and leaves the rest alone.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::text {

/// What a token is for, numbered as in GGUF (tokenizer.ggml.token_type) and SentencePiece.
enum class TokenType : int32_t {
  Normal = 1,
  Unknown = 2,      // stands for text that has no token
  Control = 3,      // never comes from text unless the caller asks: <s>, <|im_end|>
  UserDefined = 4,  // always comes from its text, before anything else is looked at
  Unused = 5,
  Byte = 6,  // "<0x0A>": one byte of text that has no token
};

struct Vocabulary {
  std::string model;                // "llama": SentencePiece BPE by score; "gpt2": byte-level BPE;
                                    // "gemma4": BPE by rank on text with U+2581 for spaces
  std::string pre;                  // "gpt2" only: which pre-tokenizer; see pretokenizer.hpp
  std::vector<std::string> tokens;  // the id of a token is its place
  std::vector<float> scores;        // one for each token, or none at all: zeros
  std::vector<int32_t> types;       // TokenType of each token, or none at all: Normal
  std::vector<std::string> merges;  // "left right", most urgent first
  std::vector<int32_t> strips_after;  // ids of special tokens that take the white space after them

  int32_t bos = -1;  // ids of special tokens; negative: there is none
  int32_t eos = -1;
  int32_t eot = -1;
  int32_t eom = -1;
  int32_t unk = -1;
  int32_t pad = -1;

  std::optional<bool> add_bos;           // absent: as is usual for the model and its pre-tokenizer
  std::optional<bool> add_eos;           // absent: no
  std::optional<bool> add_space_prefix;  // "llama": text starts with a space; absent: yes
  std::optional<bool> ignore_merges;     // "gpt2": a whole word that is a token needs no merges
};

/// What a token of a checked vocabulary is for.
TokenType type_of(const Vocabulary& vocabulary, size_t token);

/// Bounds that no tokenizer in use comes near; more is taken for a broken or hostile file.
constexpr size_t kMaxTokens = size_t{1} << 24;
constexpr size_t kMaxTokenBytes = size_t{1} << 16;
constexpr size_t kMaxSpecialBytes = 1024;

/// `vocabulary` with every table complete, every option decided, and every id and size in range.
/// Tokens that all chat models use to end a turn or to fill in the middle (<|im_end|>,
/// <fim_prefix>) become Control even if the file calls them Normal, as users must not be able to
/// type them. Malformed: sizes, ids or types that contradict each other; Unsupported: a model or
/// pre-tokenizer that this build does not know.
Result<Vocabulary> checked(Vocabulary vocabulary);

/// Tokens that end a generation, sorted: eos, eot, eom and those whose text says so.
std::vector<int32_t> end_tokens(const Vocabulary& vocabulary);

}  // namespace verge::text
