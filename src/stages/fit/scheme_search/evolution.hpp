#pragma once
// Evolutionary search over genomes: a pure function of its seed. The best of a generation survive;
// the rest are their mutants and their children by uniform crossover. A mutant has changed genes, a
// block that is updated alike, or nothing before some block: what is updated in one early layer
// costs the backward pass of all layers behind it, which single genes seldom give up together.

#include <functional>

#include <verge/stages/fit/scheme_search/contribution.hpp>

namespace verge::fit {

struct EvolutionOptions {
  size_t population = 64, generations = 50, elite = 16;
  double mutation = 0.3;  // chance of each gene
  uint64_t seed = 1;
};

/// What does not fit is below.
inline constexpr double kUnfit = -1e6;

/// Larger is better; what does not fit is below kUnfit, the worse the larger it is. Called once for
/// each genome.
using Fitness = std::function<Result<double>(const Genome&)>;

struct ScoredGenome {
  Genome genome = {};
  double fitness = 0;
};

/// All genomes looked at, the best first. The head alone is among them, and, where half the
/// population has room, all of each block alone and each share of the last so many blocks. Fails as
/// `fitness` does.
Result<std::vector<ScoredGenome>> evolve(
    const SearchSpace& space, const Fitness& fitness, const EvolutionOptions& options,
    const std::function<bool(size_t generation, double best)>& go_on = {});

}  // namespace verge::fit
