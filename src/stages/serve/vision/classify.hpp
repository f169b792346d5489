#pragma once
// What a classifier's scores say: the likeliest classes.

#include <span>
#include <string>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::serve {

struct ClassScore {
  int64_t index = 0;
  double probability = 0;
};

/// Scores that are not a distribution (each in [0, 1], their sum 1) are taken as logits.
std::vector<double> probabilities_of(std::span<const float> scores);

/// The `count` likeliest, likeliest first; of equal ones, the lower index first.
std::vector<ClassScore> likeliest(std::span<const float> scores, int64_t count);

/// A name for each class: one a line, or a JSON array, or a JSON object of ImageNet's form
/// ({"0": ["n01440764", "tench"]} or {"0": "tench"}). Fails as files do, and with Malformed.
Result<std::vector<std::string>> read_labels(const std::string& path);

/// The lines of a text file, without their ends. Fails as files do.
Result<std::vector<std::string>> read_lines(const std::string& path);

/// "class 7" where there is no name.
std::string label_of(std::span<const std::string> labels, int64_t index);

}  // namespace verge::serve
