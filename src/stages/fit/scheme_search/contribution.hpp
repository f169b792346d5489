#pragma once
// Contributions: by how much updating a part of a network improves it on a proxy task, each
// measured by a short fine-tuning (Lin et al. 2022, section 3.2: contribution analysis).

#include <atomic>
#include <functional>
#include <map>
#include <string>
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

/// The layers that genomes speak of, in the order of the graph, and their schemes. Where no layer
/// has a bias, the weights of norms stand for biases, as in the scheme "bias". Embeddings, which
/// have no channels to choose from, are updated whole or not at all.
class SearchSpace {
 public:
  explicit SearchSpace(const graph::Graph& graph);
  size_t weights() const { return weights_.size(); }
  size_t biases() const { return biases_.size(); }
  const std::string& weight(size_t i) const { return weights_[i]; }
  Genome head() const { return {0, std::vector<uint8_t>(weights_.size())}; }
  /// Blocks of a transformer; of another network its layers.
  size_t blocks() const { return blocks_.size(); }
  /// Those of a block, ascending.
  const std::vector<size_t>& weights_of(size_t block) const { return blocks_[block].weights; }
  /// That many biases are those of this block and all behind it.
  size_t biases_from(size_t block) const { return biases_.size() - blocks_[block].first_bias; }
  /// The first block of which a genome updates something; blocks() for the head alone.
  size_t first_block(const Genome& genome) const;
  /// What a weight can have of a share: 0, or all of it where it has no channels.
  uint8_t share_of(size_t weight, uint8_t share) const;
  /// This share of all weights from a block on, and their biases.
  Genome tail(size_t first_block, uint8_t share) const;
  nn::UpdateScheme scheme(const Genome& genome) const;
  /// All that the analysis measures: the head alone, the last k biases, each share of each weight
  /// on top of all biases.
  std::vector<Genome> measurements() const;

 private:
  struct Block {
    std::string name = {};
    std::vector<size_t> weights = {};
    size_t first_bias = 0;  // of all biases
  };

  Block& block_of(const nn::UpdatableLayer& layer);

  std::vector<std::string> weights_, biases_;
  std::vector<bool> is_sliced_;  // of weights: they have channels
  std::vector<Block> blocks_;
  nn::UpdateKind bias_kind_ = nn::UpdateKind::Bias;  // Full: they are norms
};

/// A scheme that was fine-tuned for real, by its place among others.
struct RankedScheme {
  std::string name = {};
  nn::UpdateScheme scheme = {};
  double score = 0;
};

/// Those that were compared at the end of a search, the best first, and what they had to fit.
struct Ranking {
  int64_t memory_bytes = 0;
  double step_ms = 0;  // 0: any
  std::vector<RankedScheme> schemes = {};
};

/// What fine-tunings reached: accuracy, or where there are no classes minus the loss.
class Contributions {
 public:
  Contributions(const SearchSpace& space, std::string owner)
      : space_(space), owner_(std::move(owner)) {}

  /// Reads what an earlier analysis measured; nothing where there is no file. Fails with Conflict
  /// for a file of another model or task, Malformed for a damaged one. `any_task`: the file's owner
  /// need only begin as this one does, see search_owner.hpp.
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

  /// Of whole schemes, by a word for scheme and circumstances.
  std::map<std::string, double>& finals() { return finals_; }
  /// One for each pair of limits.
  const std::vector<Ranking>& rankings() const { return rankings_; }
  /// In place of the one of the same limits.
  void add(Ranking ranking);
  /// That of the smallest memory that holds `memory_bytes`, of the same time; null: none does.
  const Ranking* ranking_for(int64_t memory_bytes, double step_ms) const;

 private:
  std::string key(const Genome& genome) const;
  double score(const Genome& genome) const { return scores_.at(key(genome)); }

  const SearchSpace& space_;
  std::string owner_;  // model, task and how it was measured
  std::map<std::string, double> scores_, finals_;
  std::vector<Ranking> rankings_;
};

/// The text of a file of contributions with the rankings that an older one of the same owner has
/// for other limits; as it is where the older one is of another, or damaged.
std::string with_rankings_of(const std::string& older, const std::string& newer);

}  // namespace verge::fit
