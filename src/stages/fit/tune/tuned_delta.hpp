#pragma once
// TunedDelta: what a run learned as a delta of the base's file (model/model_delta.hpp): of the
// tensors as the file has them, the slices that changed.

#include <map>
#include <string>

#include <verge/engine/model/tensor_file.hpp>
#include <verge/engine/runtime/delta.hpp>
#include <verge/stages/fit/tune/stored_values.hpp>

namespace verge::fit {

class TunedDelta {
 public:
  /// Maps the base's file and finds in it each weight that the run updates. Fails as
  /// TensorFile::open and place_in_file do.
  static Result<TunedDelta> open(const BaseModel& base, TuningRun& run);

  /// Fails as runtime::write_delta does.
  Result<runtime::DeltaSize> write(const std::string& path, const BaseModel& base, TuningRun& run,
                                   ThreadPool& pool) const;

 private:
  explicit TunedDelta(model::TensorFile file) : file_(std::move(file)) {}

  model::TensorFile file_;
  std::map<std::string, StoredPlace> places_;  // by weight
};

}  // namespace verge::fit
