#pragma once
// Evolutionary search over genomes: a pure function of its seed. The best of a generation survive;
// the rest are their mutants and their children by uniform crossover.

#include <functional>

#include <verge/stages/fit/scheme_search/contribution.hpp>

namespace verge::fit {

struct EvolutionOptions {
  size_t population = 64, generations = 50, elite = 16;
  double mutation = 0.3;  // chance of each gene
  uint64_t seed = 1;
};

/// Larger is better; what does not fit is below all that does, the worse the larger it is. Called
/// once for each genome.
using Fitness = std::function<Result<double>(const Genome&)>;

/// The best genome found; the head alone is among the first. Fails as `fitness` does.
Result<Genome> evolve(const SearchSpace& space, const Fitness& fitness,
                      const EvolutionOptions& options,
                      const std::function<bool(size_t generation, double best)>& go_on = {});

}  // namespace verge::fit
