#pragma once
// Text of a recogniser: connectionist temporal classification (Graves et al. 2006), the likeliest
// path.

#include <span>
#include <string>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::serve {

struct ReadText {
  std::string text = {};
  double confidence = 0;  // mean over the characters that were kept; 0 of none
};

/// scores [steps, classes]: probabilities or logits. Class 0 is the blank, the others are
/// `characters`. Equal neighbours are one character.
ReadText greedy_ctc(std::span<const float> scores, int64_t classes,
                    std::span<const std::string> characters);

/// A character a line, for so many classes: one less than classes, or two less, where the last is
/// the blank space. Fails as files do, and with InvalidArgument for another number.
Result<std::vector<std::string>> read_characters(const std::string& path, int64_t classes);

}  // namespace verge::serve
