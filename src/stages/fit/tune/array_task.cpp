#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include <fmt/ranges.h>

#include <verge/engine/model/augment.hpp>
#include <verge/stages/fit/tune/array_data.hpp>
#include <verge/stages/fit/tune/array_task.hpp>

namespace verge::fit {
namespace {

constexpr int64_t kOfTheSplit = -1;  // the epoch that no training has

// Some samples of arrays, in order.
struct Samples {
  std::shared_ptr<const ArrayData> arrays;
  std::vector<int32_t> rows;

  int64_t count() const { return std::ssize(rows); }
};

Samples all_of(ArrayData data) {
  Samples samples{std::make_shared<const ArrayData>(std::move(data)), {}};
  samples.rows.resize(static_cast<size_t>(samples.arrays->count));
  std::iota(samples.rows.begin(), samples.rows.end(), 0);
  return samples;
}

class ArrayTask : public TaskData {
 public:
  ArrayTask(Samples training, Samples held_out, const BaseModel& base, int64_t batch, uint64_t seed)
      : training_(std::move(training)),
        held_out_(std::move(held_out)),
        has_classes_(base.has_classes()),
        batch_(batch),
        order_(training_.count(), batch, seed) {}

  void fill(int64_t pass, const Input& input) override {
    const auto chosen = order_.batch(pass);
    write(input, batch_, *training_.arrays, [&](int64_t row) {
      return training_.rows[static_cast<size_t>(chosen[static_cast<size_t>(row)])];
    });
  }

  // Of classes the labels count, else the samples.
  int64_t fill_held_out(int64_t batch, const Input& input) override {
    const int64_t count = std::min(batch_, held_out_.count() - batch * batch_);
    write(input, count, *held_out_.arrays,
          [&](int64_t row) { return held_out_.rows[static_cast<size_t>(batch * batch_ + row)]; });
    if (!has_classes_) return count;
    return std::ranges::count_if(labels_, [](int32_t label) { return label >= 0; });
  }

  int64_t held_out_batches() const override { return (held_out_.count() + batch_ - 1) / batch_; }
  int32_t label(int64_t row) const override { return labels_[static_cast<size_t>(row)]; }
  int64_t passes_per_epoch() const override { return order_.passes_per_epoch(); }
  int64_t samples_per_pass() const override { return batch_; }
  const char* unit() const override { return "samples"; }
  std::string checksum() const override {
    if (training_.arrays == held_out_.arrays) return training_.arrays->checksum;
    return training_.arrays->checksum + held_out_.arrays->checksum;
  }

 private:
  // `count` samples; places behind them repeat the last one, and have no label.
  template <typename Row>
  void write(const Input& input, int64_t count, const ArrayData& data, Row row) {
    for (const auto& [name, tensor] : data.inputs) copy(tensor, input(name), count, row);
    if (!has_classes_) return copy(data.targets, input("targets"), count, row);
    const TensorView& labels = input("labels");
    copy(data.labels, labels, count, row);
    const auto of_sample = static_cast<size_t>(labels.shape.count() / batch_);
    const auto to = labels.span<int32_t>();
    std::fill(to.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(count) * of_sample),
              to.end(), -1);
    labels_.assign(to.begin(), to.end());
  }

  template <typename Row>
  void copy(const Tensor& from, const TensorView& to, int64_t count, Row row) const {
    const auto bytes = static_cast<size_t>(to.bytes() / batch_);
    const auto* source = from.view().as<const std::byte>();
    for (int64_t i = 0; i < batch_; ++i) {
      const auto at = static_cast<size_t>(row(std::min(i, count - 1)));
      std::memcpy(to.as<std::byte>() + static_cast<size_t>(i) * bytes, source + at * bytes, bytes);
    }
  }

  Samples training_, held_out_;
  bool has_classes_;
  int64_t batch_;
  EpochOrder order_;
  std::vector<int32_t> labels_;
};

// A share of the samples, drawn by the seed.
Samples take_share(Samples& from, double share, uint64_t seed) {
  std::vector<int32_t> order = model::shuffled(from.count(), seed, kOfTheSplit);
  const auto count = static_cast<std::ptrdiff_t>(
      std::max<int64_t>(1, std::llround(share * static_cast<double>(from.count()))));
  std::sort(order.begin() + count, order.end());  // "the first so many" are then those of the file
  Samples taken{from.arrays, {order.begin(), order.begin() + count}};
  from.rows.assign(order.begin() + count, order.end());
  return taken;
}

// Where none does, nothing is learned, or nothing measured.
Status expect_labels(const Samples& samples, const std::vector<std::string>& paths,
                     std::string_view use, std::string_view remedy) {
  const auto labels = samples.arrays->labels.span<const int32_t>();
  const auto of_sample =
      labels.size() / static_cast<size_t>(std::max<int64_t>(1, samples.arrays->count));
  const bool has_one = std::ranges::any_of(samples.rows, [&](int32_t row) {
    const auto of_row = labels.subspan(static_cast<size_t>(row) * of_sample, of_sample);
    return std::ranges::any_of(of_row, [](int32_t label) { return label >= 0; });
  });
  if (has_one) return {};
  return make_error(
      Code::InvalidArgument,
      "{}: in labels.npy no label counts of the {} samples {}, all are -1 or -100; {}",
      fmt::join(paths, ", "), samples.count(), use, remedy);
}

}  // namespace

Result<std::unique_ptr<TaskData>> open_array_task(const BaseModel& base, const BaseShape& shape,
                                                  const DataOptions& options) {
  VERGE_TRY(ArrayData read_in, read_arrays(base, options.paths));
  Samples training = all_of(std::move(read_in)), held_out;
  if (options.evaluation.empty()) {
    held_out = take_share(training, options.held_out, options.seed);
  } else {
    VERGE_TRY(ArrayData evaluation, read_arrays(base, options.evaluation));
    held_out = all_of(std::move(evaluation));
  }
  if (options.training_images > 0 && options.training_images < training.count()) {
    training.rows.resize(static_cast<size_t>(options.training_images));
  }
  if (training.count() < shape.batch) {
    return make_error(
        Code::InvalidArgument,
        "{}: {} samples to learn from for batches of {}, {} are held out; compile for "
        "a smaller --batch, or give --eval",
        options.paths[0], training.count(), shape.batch, held_out.count());
  }
  if (base.has_classes()) {
    VERGE_RETURN_IF_ERROR(
        expect_labels(training, options.paths, "to learn from", "give some of 0 and more"));
    const bool is_share = options.evaluation.empty();
    VERGE_RETURN_IF_ERROR(
        expect_labels(held_out, is_share ? options.paths : options.evaluation, "to measure on",
                      is_share ? "give another --seed, a larger --held-out or --eval"
                               : "give some of 0 and more"));
  }
  return std::unique_ptr<TaskData>(std::make_unique<ArrayTask>(
      std::move(training), std::move(held_out), base, shape.batch, options.seed));
}

}  // namespace verge::fit
