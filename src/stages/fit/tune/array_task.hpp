#pragma once
// Arrays of NumPy as batches of a plan's inputs (array_data.hpp).

#include <memory>

#include <verge/stages/fit/tune/task_data.hpp>

namespace verge::fit {

/// The samples of options.paths, of which those of options.evaluation or, without, a share of
/// options.held_out, drawn by the seed, are held out. Fails as read_arrays does, and with
/// InvalidArgument for less than one batch to learn from, and for either part without a label that
/// counts.
Result<std::unique_ptr<TaskData>> open_array_task(const BaseModel& base, const BaseShape& shape,
                                                  const DataOptions& options);

}  // namespace verge::fit
