#pragma once
// TaskData: what a network is fine-tuned on and measured on, as batches of its plan's inputs. The
// batch of a pass is a pure function of seed and pass.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <verge/stages/fit/tune/base_model.hpp>

namespace verge::fit {

struct DataOptions {
  /// One folder or file of images, text files, or arrays of an ONNX network (array_data.hpp).
  std::vector<std::string> paths = {};
  std::vector<std::string> evaluation = {};  // arrays to measure on; empty: a share of `paths`
  double held_out = 0.1;        // share of a text or of arrays; images bring their own test set
  int64_t training_images = 0;  // the first so many that are not held out; 0: all
  uint64_t seed = 1;
};

class TaskData {
 public:
  using Input = std::function<const TensorView&(std::string_view name)>;

  virtual ~TaskData() = default;
  virtual void fill(int64_t pass, const Input& input) = 0;
  /// The held-out batch of this number; how many of its rows count: of images, tokens or samples,
  /// of classes the labels that are none of -1.
  virtual int64_t fill_held_out(int64_t batch, const Input& input) = 0;
  virtual int64_t held_out_batches() const = 0;
  /// The label of a row of logits of the held-out batch filled last; -1: does not count.
  virtual int32_t label(int64_t row) const = 0;
  virtual int64_t passes_per_epoch() const = 0;
  virtual int64_t samples_per_pass() const = 0;  // images, tokens or samples
  virtual const char* unit() const = 0;          // "images", "tokens", "samples"
  virtual std::string checksum() const = 0;
};

/// The samples of each pass: all in the order of their epoch, a function of seed and epoch.
class EpochOrder {
 public:
  EpochOrder(int64_t samples, int64_t batch, uint64_t seed)
      : samples_(samples), batch_(batch), seed_(seed) {}

  int64_t passes_per_epoch() const { return samples_ / batch_; }
  /// Valid until the next call.
  std::span<const int32_t> batch(int64_t pass);

 private:
  int64_t samples_, batch_;
  uint64_t seed_;
  std::vector<int32_t> order_ = {};
  int64_t epoch_ = -1;
};

/// For a base model opened with `shape`. Images of another size are resized (image_csv.hpp). Fails
/// as the readers of the data do, and with InvalidArgument for classes that the network does not
/// have, less data than one batch, or data of another kind than the network's.
Result<std::unique_ptr<TaskData>> open_task_data(const BaseModel& base, const BaseShape& shape,
                                                 const DataOptions& options);

}  // namespace verge::fit
