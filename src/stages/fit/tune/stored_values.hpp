#pragma once
// Tuned values as the tensors of the base's file have them: where a weight lies, in what type and
// in what order.

#include <optional>
#include <span>
#include <string>

#include <verge/core/tensor.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/runtime/tensor_record.hpp>
#include <verge/stages/fit/tune/tuning_run.hpp>

namespace verge::fit {

struct StoredPlace {
  size_t tensor = 0;           // of the file's
  bool is_transposed = false;  // of a matrix: the file has [in, out]
};

/// Which of the tensors of the base's file holds a weight. Fails with Unsupported, naming why, for
/// one that no tensor holds or that several weights are made of, and for a type that no values can
/// be written in (quant::can_quantize; levels are written as they are); with Conflict for a name
/// that is no weight of the base.
Result<StoredPlace> place_in_file(const BaseModel& base, const std::string& weight,
                                  const runtime::NamedTensors& tensors);

/// The stored tensor with the values that changed from `before` to `after`; nothing where none
/// did. Blocks whose values all stayed keep their bytes, whatever encoding them again would give:
/// what was not learned is neither lost nor part of a delta. All have the same count. Fails as
/// quant::quantize does.
Result<std::optional<Tensor>> with_changed_values(const TensorView& stored,
                                                  std::span<const float> before,
                                                  std::span<const float> after, ThreadPool& pool);

/// The same with what a run learned of a weight; `stored` is the tensor at its place in the file,
/// of any shape and alignment.
Result<std::optional<Tensor>> with_learned_values(const TensorView& stored, bool is_transposed,
                                                  const BaseModel& base, TuningRun& run,
                                                  const std::string& weight, ThreadPool& pool);

}  // namespace verge::fit
