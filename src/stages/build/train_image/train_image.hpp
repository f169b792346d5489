#pragma once
// train_image: trains a small convolutional classifier (engine/nn/cnn.hpp) on labelled images for
// a fixed number of epochs. The test set is measured after each epoch and chooses nothing: the
// network is the one after the last epoch. Where training mirrors images, a test image is judged by
// the sum of the logits of itself and its mirror.

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/model/augment.hpp>
#include <verge/engine/model/image_data.hpp>
#include <verge/engine/nn/cnn.hpp>
#include <verge/engine/runtime/profile.hpp>
#include <verge/engine/runtime/training_loop.hpp>

namespace verge::build {

struct TrainImageOptions {
  std::vector<std::vector<int64_t>> stages = nn::CnnConfig{}.stages;
  model::Augmentation augmentation;
  int64_t epochs = 4;
  int64_t batch = 100;
  double learning_rate = 4e-3;  // peak of a warm-up over a tenth of the steps and a half cosine
  graph::OptimizerSpec optimizer{.weight_decay = 0.02};
  int64_t accumulate = 1;  // batches whose mean gradient makes one step
  uint64_t seed = 1;
  std::string checkpoint;           // path; empty: none. Continued when it exists
  int64_t checkpoint_every = 1000;  // steps
  std::string output;               // safetensors file
  std::string command;              // recorded in the lineage
  bool profile = false;             // measure the time by operator
};

struct ImageProgress : runtime::LoopProgress {  // loss: of this step, nats
  int64_t epoch = 0;
  double accuracy = 0;  // on the test set after the last whole epoch; 0 before the first
  double images_per_s = 0;
};

struct TrainImageResult {
  int64_t parameters = 0;
  int64_t steps = 0;
  double accuracy = 0;         // on the test set after the last epoch
  double seconds = 0;          // of this call: training, evaluation and saving
  double images_per_s = 0;     // in training, evaluation included
  double flops_per_image = 0;  // forward and backward
  int64_t arena_bytes = 0;
  std::vector<std::string> reference_nodes;  // operators without a fast kernel
  int64_t clip_price_bytes = 0;              // see runtime::Trainer
  std::vector<ImageProgress> history;        // one entry a step
  std::vector<runtime::OperatorTime> profile;
  bool finished = false;  // false: cancelled, the checkpoint holds the rest
};

/// Trains, measures and writes. With a checkpoint, `cancel` saves it and returns; a later call goes
/// on with the same losses. Fails with InvalidArgument for sizes that do not fit, Malformed when
/// the loss is no longer a number (the last checkpoint stays), or as files do.
Result<TrainImageResult> train_image(
    const model::ImageData& data, const TrainImageOptions& options, ThreadPool& pool,
    const Clock& clock, const std::function<void(const ImageProgress&)>& on_progress = {},
    const std::atomic<bool>* cancel = nullptr);

}  // namespace verge::build
