#pragma once
// Contributions: by how much updating a part of a network improves it on a proxy task, each
// measured by a short fine-tuning (Lin et al. 2022, section 3.2: contribution analysis).

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/stages/fit/tune/tuning_run.hpp>

namespace verge::fit {

/// Shares of a weight's channels that are tried; 0: its bias alone.
inline constexpr double kSearchRatios[] = {0.125, 0.25, 0.5, 1};

/// A choice for every layer that can be updated, the head apart: biases of the last so many layers
/// that have one, and a share of each weight as an index + 1 into kSearchRatios, 0 for none.
struct Genome {
  size_t biases = 0;
  std::vector<uint8_t> weights = {};
  auto operator<=>(const Genome&) const = default;
};

/// The layers that genomes speak of, in the order of the graph, and their schemes.
class SearchSpace {
 public:
  explicit SearchSpace(const graph::Graph& graph);
  size_t weights() const { return weights_.size(); }
  size_t biases() const { return biases_.size(); }
  const std::string& weight(size_t i) const { return weights_[i]; }
  Genome head() const { return {0, std::vector<uint8_t>(weights_.size())}; }
  nn::UpdateScheme scheme(const Genome& genome) const;
  /// All that the analysis measures: the head alone, the last k biases, each share of each weight
  /// on top of all biases.
  std::vector<Genome> measurements() const;

 private:
  std::vector<std::string> weights_, biases_;
};

/// How the owner of all that was measured of a model begins.
std::string owner_of_model(std::string_view model_hash);

/// What a fine-tuning reached: accuracy, or of language models minus the loss.
class Contributions {
 public:
  Contributions(const SearchSpace& space, std::string owner)
      : space_(space), owner_(std::move(owner)) {}

  /// Reads what an earlier analysis measured; nothing where there is no file. Fails with Conflict
  /// for a file of another model or task, Malformed for a damaged one. `any_task`: the file's owner
  /// need only begin as this one does, as owner_of_model says.
  Status load(const std::string& path, bool any_task = false);
  Status save(const std::string& path) const;

  bool has(const Genome& genome) const { return scores_.contains(key(genome)); }
  void set(const Genome& genome, double score) { scores_[key(genome)] = score; }
  size_t measured() const { return scores_.size(); }
  /// All measurements() of the space are there.
  bool is_complete() const;
  /// The score of the genome's biases and what each of its weights adds to all biases, added up.
  /// All measurements() must be there.
  double predict(const Genome& genome) const;

 private:
  std::string key(const Genome& genome) const;
  double score(const Genome& genome) const { return scores_.at(key(genome)); }

  const SearchSpace& space_;
  std::string owner_;  // model, task and how it was measured
  std::map<std::string, double> scores_;
};

}  // namespace verge::fit
