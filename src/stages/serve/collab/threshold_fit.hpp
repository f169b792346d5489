#pragma once
// Which thresholds keep the promise "so many tokens are what the full model says after the same
// text": Learn then Test (Angelopoulos et al. 2021, arXiv 2110.01052), by fixed-sequence testing.
// Of two texts that part at one token, the rest may differ altogether; that is not counted.
//
// Pairs of thresholds are tried on fixed paths from strict to loose. Each path goes on for as long
// as an upper confidence bound of the share of tokens that differ from the full model's is within
// what is allowed, and of the last pairs of all paths the one that asks the server least is taken.
// Paths share delta evenly, so that with probability 1 - delta no pair is taken that breaks the
// promise. That holds for records that are independent draws of what will be generated: take them
// far apart in many texts, and never from the text that the result is judged by.

#include <cstdint>
#include <span>

#include <verge/core/result.hpp>

namespace verge::serve {

/// One position of calibration text.
struct ExitRecord {
  double confidence1 = 0;
  double confidence2 = 0;
  bool agrees1 = false;  // the first exit's likeliest token is the full model's
  bool agrees2 = false;
  bool agrees_cloud = true;  // so is the server's, which knows states by a codec
};

enum class BoundKind { ClopperPearson, Hoeffding };

/// The least p whose chance of at most `failures` of `trials` is `delta` or less: the truth is
/// above it with probability delta at most. Clopper and Pearson 1934; Hoeffding 1963, theorem 1.
double upper_bound(BoundKind kind, int64_t failures, int64_t trials, double delta);

struct ThresholdOptions {
  double agreement = 0.98;  // share of tokens that must be the full model's
  double delta = 0.05;
  BoundKind bound = BoundKind::ClopperPearson;
};

/// Of every token, where it is made and how often it differs, by the records.
struct ExitRates {
  double exit1 = 0;
  double exit2 = 0;
  double cloud = 0;
  double disagreement = 0;
};

/// An exit keeps a token from its threshold on; none at 1.
ExitRates exit_rates(std::span<const ExitRecord> records, double theta1, double theta2);

struct ThresholdFit {
  double theta1 = 1;  // 1 and 1 where no other pair keeps the promise
  double theta2 = 1;
  double bound = 0;  // upper bound of the disagreement
  ExitRates predicted = {};
};

/// Fails with InvalidArgument for records, an agreement or a delta that promise nothing.
Result<ThresholdFit> fit_thresholds(std::span<const ExitRecord> records,
                                    const ThresholdOptions& options);

}  // namespace verge::serve
