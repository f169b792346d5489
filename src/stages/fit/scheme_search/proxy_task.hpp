#pragma once
// ProxyTask: a model and the data that schemes are tried on: what a scheme takes and reaches there.

#include <memory>

#include <verge/stages/fit/scheme_search/search_options.hpp>
#include <verge/stages/fit/tune/tuning_run.hpp>

namespace verge::fit {

/// How a scheme is fine-tuned.
struct ProxyRun {
  int64_t steps = 0;
  double learning_rate = 0;
  uint64_t seed = 1;  // of the order of the data, new heads and factors
};

class ProxyTask {
 public:
  ProxyTask(BaseModel base, const SearchOptions& options, ThreadPool& pool)
      : base_(std::move(base)), options_(options), pool_(pool) {}

  /// The model that the options name, with their data. Fails as open_base_model and open_task_data.
  static Result<std::unique_ptr<ProxyTask>> open(const SearchOptions& options, ThreadPool& pool);

  const BaseModel& base() const { return base_; }
  std::string checksum() const { return data_->checksum(); }
  /// The peak that the options say or mean.
  double learning_rate() const;

  /// Nothing is computed twice to meet the budget, 0 for none: that costs time.
  Result<TrainingPlan> plan(const nn::UpdateScheme& scheme, int64_t memory_bytes) const;
  /// Held-out accuracy, or where there are no classes minus the loss. What is held out is the same
  /// for every seed: of arrays, of which a seed would draw another share, a seed other than that of
  /// the options learns from the epochs behind those of the seed before it. Fails with Malformed,
  /// naming the first tensor, where values become no numbers.
  Result<double> score(const nn::UpdateScheme& scheme, const ProxyRun& run);

 private:
  Status open_data(uint64_t seed);
  bool takes_arrays() const;

  BaseModel base_;
  const SearchOptions& options_;
  ThreadPool& pool_;
  std::unique_ptr<TaskData> data_;
  uint64_t data_seed_ = 0;
};

}  // namespace verge::fit
