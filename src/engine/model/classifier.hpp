#pragma once
// Classifier: a file of a classifier of images, to be run: of f32, as `verge train image` writes
// it, or of 8-bit levels (level_file.hpp), as `verge fit tune` leaves it of a plan with --int8.
//
//   VERGE_TRY(const Classifier classifier, Classifier::open("digits.safetensors"));
//   VERGE_TRY(const ClassifierPlan running, classifier.compile(batch, pool, {}));
//   running.plan->input("images"), running.plan->output("logits")

#include <memory>
#include <optional>

#include <verge/engine/model/level_file.hpp>
#include <verge/engine/runtime/plan.hpp>

namespace verge::model {

/// With what it stands on.
struct ClassifierPlan {
  std::unique_ptr<runtime::WeightStore> weights;
  std::unique_ptr<runtime::StateStore> states;
  std::unique_ptr<runtime::Plan> plan;
};

class Classifier {
 public:
  /// Fails as read_network or read_level_file does.
  static Result<Classifier> open(const std::string& path);
  /// A file that is open; errors name `path`.
  static Result<Classifier> of(format::Safetensors file, const std::string& path);

  const ImageNetwork& network() const { return network_; }
  bool has_levels() const { return levels_.has_value(); }
  /// Input "images" [batch, channels, height, width] and output "logits" [batch, classes], of f32
  /// whatever lies between. No parameter learns. Fails with Malformed, naming the path, where
  /// logits of levels do not follow the batch.
  Result<graph::Graph> graph(int64_t batch) const;
  /// That graph, with batch norm part of its convolutions, ready to run. Fails as Plan::compile
  /// does.
  Result<ClassifierPlan> compile(int64_t batch, ThreadPool& pool,
                                 const runtime::PlanOptions& options = {}) const;

 private:
  Classifier(format::Safetensors file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  format::Safetensors file_;
  std::string path_;
  ImageNetwork network_;
  std::optional<LevelFile> levels_;
};

}  // namespace verge::model
