#pragma once
// How often fitted thresholds keep their promise on text that they were not fitted on: the
// calibration done again and again on random halves of the records.

#include <cstdint>
#include <span>

#include <verge/core/result.hpp>
#include <verge/stages/serve/collab/threshold_fit.hpp>

namespace verge::serve {

struct PromiseTrialOptions {
  int64_t splits = 20;
  int64_t block = 16;  // neighbouring records, of one context, that stay together
  uint64_t seed = 1;
};

struct PromiseTrial {
  int64_t splits = 0;
  int64_t kept = 0;         // where the other half differs no more than was promised
  double worst = 0;         // most disagreement on the other half
  double disagreement = 0;  // on the other halves, on average
  double cloud = 0;         // tokens that go to the server, on average
};

/// Fits on one half of the blocks and looks at the other, `splits` times. Fails with
/// InvalidArgument for fewer than two blocks or no split, else as fit_thresholds.
Result<PromiseTrial> try_promise(std::span<const ExitRecord> records,
                                 const ThresholdOptions& thresholds,
                                 const PromiseTrialOptions& options);

}  // namespace verge::serve
