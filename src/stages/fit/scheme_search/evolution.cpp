#include <algorithm>

#include <verge/core/rng.hpp>
#include <verge/stages/fit/scheme_search/evolution.hpp>

namespace verge::fit {
namespace {

class Evolution {
 public:
  Evolution(const SearchSpace& space, const Fitness& fitness, const EvolutionOptions& options)
      : space_(space), fitness_(fitness), options_(options), rng_(options.seed) {}

  Result<std::vector<ScoredGenome>> run(const std::function<bool(size_t, double)>& go_on) {
    found();
    for (size_t generation = 0; generation < options_.generations; ++generation) {
      VERGE_RETURN_IF_ERROR(rank());
      if (go_on && !go_on(generation, known_.at(population_[0]))) break;
      breed();
    }
    VERGE_RETURN_IF_ERROR(rank());
    std::vector<ScoredGenome> all;
    for (const auto& [genome, fitness] : known_) all.push_back({genome, fitness});
    std::ranges::stable_sort(all, std::ranges::greater(), &ScoredGenome::fitness);
    return all;
  }

 private:
  // The head, the founders that half the population has room for, and mutants of those.
  void found() {
    population_.push_back(space_.head());
    const std::vector<Genome> all = founders();
    const size_t room = std::max<size_t>(1, options_.population / 2);
    const size_t stride = (all.size() + room - 1) / room | 1;  // odd: of every share
    for (size_t i = 0; i < all.size(); i += stride) population_.push_back(all[i]);
    const size_t first = population_.size();
    while (population_.size() < options_.population) {
      population_.push_back(mutant(population_[population_.size() % first]));
    }
  }

  std::vector<Genome> founders() const {
    constexpr auto kShares = static_cast<uint8_t>(std::size(kSearchRatios));
    std::vector<Genome> all;
    for (size_t b = 0; b < space_.blocks(); ++b) {
      for (uint8_t share = 1; share <= kShares; ++share) all.push_back(space_.tail(b, share));
    }
    for (size_t b = 0; b < space_.blocks(); ++b) {
      Genome& alone = all.emplace_back(space_.head());
      for (const size_t i : space_.weights_of(b)) alone.weights[i] = kShares;
    }
    return all;
  }

  Status rank() {
    for (const Genome& genome : population_) {
      if (known_.contains(genome)) continue;
      VERGE_TRY(known_[genome], fitness_(genome));
    }
    std::ranges::sort(population_, [&](const Genome& a, const Genome& b) {
      const double of_a = known_.at(a), of_b = known_.at(b);
      return of_a != of_b ? of_a > of_b : a < b;
    });
    // Copies of the best would soon be the whole elite, and nothing new would come of them.
    population_.erase(std::unique(population_.begin(), population_.end()), population_.end());
    return {};
  }

  void breed() {
    const size_t elite = std::min(options_.elite, population_.size());
    std::vector<Genome> next(population_.begin(),
                             population_.begin() + static_cast<std::ptrdiff_t>(elite));
    const auto parent = [&] { return next[rng_.below(static_cast<uint32_t>(elite))]; };
    while (next.size() < options_.population) {
      const bool is_mutant = next.size() % 2 == 0;
      const Genome mother = parent(), father = parent();
      next.push_back(is_mutant ? mutant(mother) : child(mother, father));
    }
    population_ = std::move(next);
  }

  bool happens(double chance) { return double{rng_.uniform()} < chance; }

  Genome mutant(Genome genome) {
    switch (space_.blocks() == 0 ? 0 : rng_.below(3)) {
      case 1:
        change_block(genome);
        break;
      case 2:
        forget_before(genome);
        break;
      default:
        change_genes(genome);
    }
    return genome;
  }

  uint8_t share() { return static_cast<uint8_t>(rng_.below(std::size(kSearchRatios) + 1)); }
  size_t block() { return rng_.below(static_cast<uint32_t>(space_.blocks())); }

  void change_genes(Genome& genome) {
    if (happens(options_.mutation)) {
      genome.biases = rng_.below(static_cast<uint32_t>(space_.biases() + 1));
    }
    for (size_t i = 0; i < genome.weights.size(); ++i) {
      if (happens(options_.mutation)) genome.weights[i] = space_.share_of(i, share());
    }
  }

  void change_block(Genome& genome) {
    const uint8_t all = share();
    for (const size_t i : space_.weights_of(block())) genome.weights[i] = space_.share_of(i, all);
  }

  void forget_before(Genome& genome) {
    const size_t first = block();
    genome.biases = std::min(genome.biases, space_.biases_from(first));
    for (size_t b = 0; b < first; ++b) {
      for (const size_t i : space_.weights_of(b)) genome.weights[i] = 0;
    }
  }

  Genome child(const Genome& mother, const Genome& father) {
    Genome genome = mother;
    if (happens(0.5)) genome.biases = father.biases;
    for (size_t i = 0; i < genome.weights.size(); ++i) {
      if (happens(0.5)) genome.weights[i] = father.weights[i];
    }
    return genome;
  }

  const SearchSpace& space_;
  const Fitness& fitness_;
  const EvolutionOptions& options_;
  Rng rng_;
  std::vector<Genome> population_;
  std::map<Genome, double> known_;
};

}  // namespace

Result<std::vector<ScoredGenome>> evolve(const SearchSpace& space, const Fitness& fitness,
                                         const EvolutionOptions& options,
                                         const std::function<bool(size_t, double)>& go_on) {
  return Evolution(space, fitness, options).run(go_on);
}

}  // namespace verge::fit
