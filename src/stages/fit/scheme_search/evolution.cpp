#include <algorithm>

#include <verge/core/rng.hpp>
#include <verge/stages/fit/scheme_search/evolution.hpp>

namespace verge::fit {
namespace {

class Evolution {
 public:
  Evolution(const SearchSpace& space, const Fitness& fitness, const EvolutionOptions& options)
      : space_(space), fitness_(fitness), options_(options), rng_(options.seed) {}

  Result<Genome> run(const std::function<bool(size_t, double)>& go_on) {
    population_.push_back(space_.head());
    while (population_.size() < options_.population) population_.push_back(mutant(space_.head()));
    for (size_t generation = 0; generation < options_.generations; ++generation) {
      VERGE_RETURN_IF_ERROR(rank());
      if (go_on && !go_on(generation, known_.at(population_[0]))) break;
      breed();
    }
    VERGE_RETURN_IF_ERROR(rank());
    return population_[0];
  }

 private:
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
    constexpr uint32_t kChoices = std::size(kSearchRatios) + 1;
    if (happens(options_.mutation)) {
      genome.biases = rng_.below(static_cast<uint32_t>(space_.biases() + 1));
    }
    for (uint8_t& weight : genome.weights) {
      if (happens(options_.mutation)) weight = static_cast<uint8_t>(rng_.below(kChoices));
    }
    return genome;
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

Result<Genome> evolve(const SearchSpace& space, const Fitness& fitness,
                      const EvolutionOptions& options,
                      const std::function<bool(size_t, double)>& go_on) {
  return Evolution(space, fitness, options).run(go_on);
}

}  // namespace verge::fit
