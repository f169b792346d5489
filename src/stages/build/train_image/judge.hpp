#pragma once
// ImageJudge: a classifier's answers on images, in training and for a file that training wrote.

#include <string>
#include <vector>

#include <verge/core/threads.hpp>
#include <verge/engine/model/classifier.hpp>
#include <verge/engine/model/image_data.hpp>
#include <verge/engine/runtime/plan.hpp>

namespace verge::build {

using model::ImageNetwork;

class ImageJudge {
 public:
  /// Over the parameters of `weights`, as they are at each call, or, with `is_frozen`, as they are
  /// now: batch norm is then part of the convolutions. Fails as Plan::compile does.
  static Result<ImageJudge> create(const model::ImageNetwork& network,
                                   runtime::WeightStore& weights, runtime::StateStore& states,
                                   ThreadPool& pool, bool is_frozen = false);

  /// Of a file of f32 or of 8-bit levels. Fails as Classifier::compile does.
  static Result<ImageJudge> of_file(const model::Classifier& file, ThreadPool& pool);

  /// The class of the largest logit for every image.
  std::vector<int32_t> judge(const model::ImageSet& images);
  /// Share of the images whose largest logit is the label's.
  double accuracy(const model::ImageSet& images);
  const graph::Graph& graph() const { return plan_.graph(); }

 private:
  ImageJudge(const model::ImageNetwork& network, runtime::Plan plan)
      : network_(network), plan_(std::move(plan)) {}
  std::vector<float> logits(const model::ImageSet& images, int64_t first, int64_t count);

  model::ImageNetwork network_;
  std::unique_ptr<runtime::WeightStore> weights_;  // of a file
  std::unique_ptr<runtime::StateStore> states_;
  runtime::Plan plan_;
};

struct ImageEvaluation {
  int64_t images = 0;
  double accuracy = 0;
  std::vector<std::vector<int64_t>> confusion;  // [label][answer]
};

/// Reads a network that train_image wrote, or one of 8-bit levels, and tries it on the test images.
/// Fails as Classifier::open does, and with InvalidArgument when images and network differ in size
/// or classes.
Result<ImageEvaluation> evaluate_image(const std::string& path, const model::ImageData& data,
                                       ThreadPool& pool);

}  // namespace verge::build
