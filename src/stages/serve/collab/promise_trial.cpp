#include <algorithm>
#include <numeric>
#include <vector>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/collab/promise_trial.hpp>

namespace verge::serve {
namespace {

using BlockRecords = std::vector<ExitRecord>;

// The records of some of the blocks.
BlockRecords records_in(std::span<const ExitRecord> records, std::span<const size_t> blocks,
                        size_t block) {
  BlockRecords chosen;
  for (const size_t index : blocks) {
    const auto from = index * block;
    const auto part = records.subspan(from, std::min(block, records.size() - from));
    chosen.insert(chosen.end(), part.begin(), part.end());
  }
  return chosen;
}

void shuffle(std::vector<size_t>& values, Rng& rng) {
  for (size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[rng.below(static_cast<uint32_t>(i))]);
  }
}

}  // namespace

Result<PromiseTrial> try_promise(std::span<const ExitRecord> records,
                                 const ThresholdOptions& thresholds,
                                 const PromiseTrialOptions& options) {
  const auto block = static_cast<size_t>(std::max<int64_t>(1, options.block));
  std::vector<size_t> blocks((records.size() + block - 1) / block);
  if (options.splits < 1 || blocks.size() < 2) {
    return make_error(Code::InvalidArgument,
                      "{} records, {} together, cannot be parted {} times; give more text",
                      records.size(), block, options.splits);
  }
  std::iota(blocks.begin(), blocks.end(), size_t{0});
  Rng rng(options.seed);
  PromiseTrial trial;
  for (; trial.splits < options.splits; ++trial.splits) {
    shuffle(blocks, rng);
    const std::span<const size_t> all(blocks);
    const BlockRecords fitted_on = records_in(records, all.first(blocks.size() / 2), block);
    const BlockRecords others = records_in(records, all.subspan(blocks.size() / 2), block);
    VERGE_TRY(const ThresholdFit fit, fit_thresholds(fitted_on, thresholds));
    const ExitRates rates = exit_rates(others, fit.theta1, fit.theta2);
    trial.kept += rates.disagreement <= 1 - thresholds.agreement;
    trial.worst = std::max(trial.worst, rates.disagreement);
    trial.disagreement += rates.disagreement / static_cast<double>(options.splits);
    trial.cloud += rates.cloud / static_cast<double>(options.splits);
  }
  return trial;
}

}  // namespace verge::serve
