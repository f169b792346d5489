#include <algorithm>

#include <verge/core/rng.hpp>
#include <verge/engine/format/safetensors/writer.hpp>
#include <verge/engine/runtime/training_loop.hpp>
#include <verge/stages/build/train_image/judge.hpp>
#include <verge/stages/build/train_image/train_image.hpp>

namespace verge::build {
namespace {

// Forward, and the two products of backward, each as many operations as forward.
constexpr double kTrainingShare = 3;

class Run {
 public:
  Run(const model::ImageData& data, const TrainImageOptions& options, ThreadPool& pool,
      const Clock& clock)
      : data_(data),
        options_(options),
        pool_(pool),
        clock_(clock),
        normalization_(model::measure(data.training.pixels)) {
    config_.height = data.training.height;
    config_.width = data.training.width;
    config_.classes = data.classes;
    config_.stages = options.stages;
  }

  Status prepare() {
    const int64_t count = data_.training.count();
    if (options_.batch < 1 || options_.epochs < 1 || options_.accumulate < 1 ||
        options_.accumulate > count / options_.batch) {
      return make_error(
          Code::InvalidArgument,
          "{} epochs in steps of {} times {} from {} images; give at least one epoch and a "
          "batch from 1 to the number of images",
          options_.epochs, options_.accumulate, options_.batch, count);
    }
    steps_per_epoch_ = count / (options_.batch * options_.accumulate);
    VERGE_TRY(nn::CnnTraining training, nn::build_cnn_training(config_, options_.batch));
    VERGE_TRY(trainer_, make_trainer(std::move(training)));
    VERGE_TRY(ImageJudge judge,
              ImageJudge::create(network(), trainer_->weights(), trainer_->states(), pool_));
    judge_ = std::make_unique<ImageJudge>(std::move(judge));
    loop_ = std::make_unique<runtime::TrainingLoop>(
        *trainer_,
        runtime::LoopOptions{.checkpoint = options_.checkpoint,
                             .checkpoint_every = options_.checkpoint_every,
                             .note = note()},
        clock_);
    return loop_->load();
  }

  Status train(TrainImageResult& result,
               const std::function<void(const ImageProgress&)>& on_progress,
               const std::atomic<bool>* cancel) {
    const double begin = clock_.seconds();
    const auto images = static_cast<double>(options_.batch * options_.accumulate);
    if (options_.profile) trainer_->start_profile();
    const auto report = [&](const runtime::LoopProgress& now) -> Status {
      ImageProgress progress{now, (now.step - 1) / steps_per_epoch_ + 1, 0,
                             images * now.steps_per_s};
      if (!result.history.empty()) progress.accuracy = result.history.back().accuracy;
      if (now.step % steps_per_epoch_ == 0) progress.accuracy = judge_->accuracy(data_.test);
      result.history.push_back(progress);
      if (on_progress) on_progress(progress);
      return {};
    };
    const auto fill = [this](int64_t pass) {
      const int64_t passes = steps_per_epoch_ * options_.accumulate;
      fill_batch(pass / passes, pass % passes * options_.batch);
    };
    VERGE_TRY(result.finished, loop_->run({.fill = fill, .after_step = report}, cancel));
    if (!result.finished) return {};
    const ImageProgress last = result.history.empty() ? ImageProgress() : result.history.back();
    result.accuracy = last.accuracy != 0 ? last.accuracy : judge_->accuracy(data_.test);
    result.seconds = clock_.seconds() - begin;
    result.images_per_s = last.images_per_s;
    return {};
  }

  void describe(TrainImageResult& result) const {
    result.parameters = trainer_->parameter_count();
    result.steps = trainer_->steps();
    result.flops_per_image = kTrainingShare * nn::cnn_flops(config_);
    result.arena_bytes = trainer_->plan().memory().arena_bytes;
    result.reference_nodes = trainer_->plan().reference_nodes();
    result.clip_price_bytes = trainer_->clip_price_bytes();
    if (options_.profile) result.profile = runtime::by_operator(trainer_->profile());
  }

  Status write(const TrainImageResult& result) const {
    if (options_.output.empty()) return {};
    format::SafetensorsWriter writer;
    model::describe_network(network(), writer);
    writer.set_metadata("verge.lineage.command", options_.command);
    writer.set_metadata("verge.lineage.data_xxh3", data_.checksum);
    writer.set_metadata("verge.lineage.seed", fmt::format("{}", options_.seed));
    writer.set_metadata("verge.lineage.steps", fmt::format("{}", result.steps));
    writer.set_metadata("verge.lineage.test_accuracy", fmt::format("{:.4f}", result.accuracy));
    for (const auto& [name, view] : trainer_->parameters()) {
      VERGE_RETURN_IF_ERROR(
          writer.add(name, view.dtype, view.shape, std::as_bytes(view.span<float>())));
    }
    return writer.write(options_.output);
  }

 private:
  Result<std::unique_ptr<runtime::Trainer>> make_trainer(nn::CnnTraining training) {
    const int64_t steps = options_.epochs * steps_per_epoch_;
    runtime::TrainerOptions trainer;
    trainer.optimizer = options_.optimizer;
    trainer.accumulate = options_.accumulate;
    trainer.schedule = {
        .peak = options_.learning_rate, .warmup = steps / 10, .steps = steps, .final_share = 0.001};
    return runtime::Trainer::create(
        {std::move(training.graph), training.loss, std::move(training.trainable)},
        [this](const std::string& name, const TensorView& view) { initialize(name, view); },
        trainer, pool_);
  }

  void initialize(const std::string& name, const TensorView& view) const {
    const auto all = nn::cnn_parameters(config_);
    const auto at = std::ranges::find(all, name, &nn::CnnParameter::name);
    Rng rng(options_.seed, static_cast<uint64_t>(at - all.begin()) << 48);
    for (float& value : view.span<float>()) {
      value = static_cast<float>(at->mean);
      if (at->stddev > 0) value += static_cast<float>(at->stddev) * rng.normal();
    }
  }

  void fill_batch(int64_t epoch, int64_t first) {
    if (epoch != order_epoch_) {
      order_ = model::shuffled(data_.training.count(), options_.seed, epoch);
      order_epoch_ = epoch;
    }
    const model::ImageSize size{config_.height, config_.width};
    auto* images = trainer_->input("images").as<float>();
    auto* labels = trainer_->input("labels").as<int32_t>();
    pool_.run([&](Worker& worker) {
      const auto [begin, end] = worker.split(options_.batch);
      for (int64_t i = begin; i < end; ++i) {
        const int32_t index = order_[static_cast<size_t>(first + i)];
        const uint64_t stream = static_cast<uint64_t>(epoch) << 32 | static_cast<uint64_t>(index);
        model::augment(options_.augmentation, normalization_, size, data_.training.image(index),
                       Rng(options_.seed + 1, stream), images + i * size.height * size.width);
        labels[i] = data_.training.labels[static_cast<size_t>(index)];
      }
    });
  }

  model::ImageNetwork network() const {
    return {config_, normalization_, options_.augmentation.mirror};
  }

  // What a checkpoint depends on: continuing with anything else would not be the same run.
  std::string note() const {
    const model::Augmentation& a = options_.augmentation;
    std::string widths;
    for (const auto& stage : options_.stages) widths += fmt::format("{}/", fmt::join(stage, ","));
    return fmt::format(
        "image {} epochs {} batch {} lr {} seed {} augment {} {} {} {} {} "
        "data {}",
        widths, options_.epochs, options_.batch, options_.learning_rate, options_.seed, a.shift,
        a.degrees, a.scale, a.mirror, a.cutout, data_.checksum);
  }

  const model::ImageData& data_;
  const TrainImageOptions& options_;
  ThreadPool& pool_;
  const Clock& clock_;
  model::Normalization normalization_;
  nn::CnnConfig config_;
  int64_t steps_per_epoch_ = 1;
  std::vector<int32_t> order_;
  int64_t order_epoch_ = -1;
  std::unique_ptr<runtime::Trainer> trainer_;
  std::unique_ptr<runtime::TrainingLoop> loop_;
  std::unique_ptr<ImageJudge> judge_;
};

}  // namespace

Result<TrainImageResult> train_image(const model::ImageData& data, const TrainImageOptions& options,
                                     ThreadPool& pool, const Clock& clock,
                                     const std::function<void(const ImageProgress&)>& on_progress,
                                     const std::atomic<bool>* cancel) {
  Run run(data, options, pool, clock);
  VERGE_RETURN_IF_ERROR(run.prepare());
  TrainImageResult result;
  VERGE_RETURN_IF_ERROR(run.train(result, on_progress, cancel));
  run.describe(result);
  if (result.finished) VERGE_RETURN_IF_ERROR(run.write(result));
  return result;
}

}  // namespace verge::build
