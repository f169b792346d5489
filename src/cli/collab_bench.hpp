#pragma once
// `verge node bench`: many devices at once, each with its own model, link and session, against one
// node; what each mode of a split model takes of both sides.

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <verge/cli/collab_modes.hpp>
#include <verge/cli/collab_prediction.hpp>
#include <verge/platform/fleet/node_counters.hpp>

namespace verge::cli {

struct CollabBenchOptions {
  ModelOptions model;    // of the devices
  CollabOptions device;  // each of them
  std::string whole;     // the model before it was split; empty: agreement with it is not looked at
  int64_t draft_tokens = 0;  // EdgeOptions::draft_tokens
  int64_t tokens = 64;       // of an answer, past any end of text
  int64_t answers = 0;       // 0: as many as prompts
};

/// One mode with so many devices at once.
struct CollabBenchCase {
  serve::CollabMode mode = serve::CollabMode::Collab;
  int64_t clients = 1;
};

/// What it took. Sums are of all answers.
struct CollabBenchRow {
  CollabBenchCase of = {};
  int64_t answers = 0;
  int64_t failed = 0;                // that broke off
  std::string failure = {};          // of the first of them
  double wall_s = 0;                 // until the last answer, connections included
  std::vector<double> seconds = {};  // of each answer, from the prompt on
  serve::CollabMetrics metrics = {};
  fleet::NodeCounters server = {};   // that the node counted meanwhile
  std::optional<double> same = {};   // share of tokens that mode cloud wrote there
  std::optional<double> rouge = {};  // ROUGE-L against mode cloud's text
  std::optional<double> kept =
      {};  // share of tokens that the whole model writes after the same text

  double next_token_s = 0;                         // after the first token of an answer, on average
  double longest_token_s = 0;                      // until a token came, of all but the first ones
  std::optional<CollabPrediction> predicted = {};  // of mode collab, where the whole model is there

  double tokens() const { return static_cast<double>(metrics.all_tokens()); }
  double per_token(double sum) const { return tokens() > 0 ? sum / tokens() : 0; }
  double mean_s() const;
  double quantile_s(double q) const;
  /// Of the node, by mode cloud's engine and that of the upper layers together.
  double server_layer_tokens() const { return counted("layer_tokens"); }
  double server_steps() const { return counted("steps"); }
  double server_engine_s() const { return counted("engine_s"); }
  double counted(const std::string& name) const;
};

class CollabBench {
 public:
  using Progress = std::function<void(const CollabBenchCase& of, int64_t done, int64_t all)>;

  /// `prompts`: at least one. Both must outlive it. Loads a model for each of the most clients;
  /// fails as that does, and where the node or its counters are not to be had.
  static Result<std::unique_ptr<CollabBench>> create(const CollabBenchOptions& options,
                                                     std::vector<std::string> prompts,
                                                     int64_t most_clients, const Clock& clock);
  /// Answers all prompts. The texts of mode Cloud are kept for those that come after it. Fails
  /// where every answer does.
  Result<CollabBenchRow> run(const CollabBenchCase& of, const Progress& progress);

 private:
  // One thread's.
  struct Device {
    std::unique_ptr<ThreadPool> pool;
    CollabModel model;
  };
  struct Answer {
    std::optional<Result<CollabOutcome>> outcome;
    double end_s = 0;
  };
  CollabBench(const CollabBenchOptions& options, std::vector<std::string> prompts,
              const Clock& clock)
      : options_(options), prompts_(std::move(prompts)), clock_(clock) {}

  Result<fleet::NodeCounters> counters() const;
  Result<CollabOutcome> answer(const Device& device, serve::CollabMode mode, size_t index) const;
  std::vector<Answer> answer_all(const CollabBenchCase& of, const Progress& progress) const;
  Status judge(const std::vector<Answer>& answers, CollabBenchRow& row);
  Status predict(CollabBenchRow& row) const;
  const std::string& prompt(size_t index) const { return prompts_[index % prompts_.size()]; }

  const CollabBenchOptions& options_;
  const std::vector<std::string> prompts_;
  const Clock& clock_;
  std::vector<Device> devices_;
  std::unique_ptr<ThreadPool> whole_pool_;
  std::unique_ptr<model::LanguageModel> whole_;
  double server_slow_ = 1;                       // as the node declares
  std::vector<std::vector<int32_t>> cloud_ids_;  // of each answer of mode Cloud
};

/// A file's lines, "\n" in one being a line's end; no empty ones. Fails where there are none.
Result<std::vector<std::string>> read_prompts(const std::string& path);

}  // namespace verge::cli
