#pragma once
// TaskData: what a network is fine-tuned on and measured on, as batches of its plan's inputs. The
// batch of a pass is a pure function of seed and pass.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <verge/stages/fit/tune/base_model.hpp>

namespace verge::fit {

struct DataOptions {
  std::vector<std::string> paths = {};  // one folder or file of images, or text files
  double held_out = 0.1;                // share of a text; images bring their own test set
  int64_t training_images = 0;          // the first so many; 0: all
  uint64_t seed = 1;
};

class TaskData {
 public:
  using Input = std::function<const TensorView&(std::string_view name)>;

  virtual ~TaskData() = default;
  virtual void fill(int64_t pass, const Input& input) = 0;
  /// The held-out batch of this number; how many of its rows count.
  virtual int64_t fill_held_out(int64_t batch, const Input& input) = 0;
  virtual int64_t held_out_batches() const = 0;
  /// The label of a row of the batch filled last.
  virtual int32_t label(int64_t row) const = 0;
  virtual int64_t passes_per_epoch() const = 0;
  virtual int64_t samples_per_pass() const = 0;  // images or tokens
  virtual const char* unit() const = 0;          // "images", "tokens"
  virtual std::string checksum() const = 0;
};

/// For a base model opened with `shape`. Images of another size are resized (image_csv.hpp). Fails
/// as the readers of the data do, and with InvalidArgument for classes that the network does not
/// have or less data than one batch.
Result<std::unique_ptr<TaskData>> open_task_data(const BaseModel& base, const BaseShape& shape,
                                                 const DataOptions& options);

}  // namespace verge::fit
