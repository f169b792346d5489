#pragma once
// TrainingText: text files as one text, its end held out; and the batches drawn from their tokens.
// The batch of a step is a pure function of seed and step, so that a resumed run sees the same
// data.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::model {

struct TrainingText {
  std::string text = {};
  size_t held_out_from = 0;  // where the held-out end begins: at a line, if there is one
  std::string sha = {};      // checksum of the text, hexadecimal

  std::string_view training() const { return std::string_view(text).substr(0, held_out_from); }
  std::string_view held_out() const { return std::string_view(text).substr(held_out_from); }
};

/// Reads the files in order. `held_out`: share of the text. Fails as read_whole_file.
Result<TrainingText> read_training_text(const std::vector<std::string>& files, double held_out);

/// InvalidArgument where either part has no more tokens than the context.
Status check_training_text(size_t training_tokens, size_t held_out_tokens, int64_t context);

/// Fills tokens and targets [batch, context] with random windows; targets are the tokens one
/// further on. There must be more tokens than the context.
void draw_batch(std::span<const int32_t> corpus, uint64_t seed, int64_t step, int64_t context,
                std::span<int32_t> tokens, std::span<int32_t> targets);

}  // namespace verge::model
