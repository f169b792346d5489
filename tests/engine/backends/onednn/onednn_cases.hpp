#pragma once
// Graphs that oneDNN can run whole: each operator over random shapes, and blocks of networks.

#include <string>
#include <vector>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/ir.hpp>

namespace verge::backends {

struct OneDnnCase {
  std::string name;
  graph::Graph graph;
};

std::vector<OneDnnCase> onednn_cases(Rng& rng);
std::vector<OneDnnCase> onednn_blocks();

}  // namespace verge::backends
