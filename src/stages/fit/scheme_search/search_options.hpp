#pragma once
// What a search of schemes is asked for.

#include <string>

#include <verge/stages/fit/scheme_search/evolution.hpp>
#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::fit {

/// Of the schemes that are fine-tuned for real before one is chosen.
struct FinalOptions {
  size_t searched = 6;  // most candidates of the evolution
  int64_t steps = 0;    // of each fine-tuning; 0: three times those of the analysis
  int seeds = 2;        // runs of each at its best rate
};

struct SearchOptions {
  std::string model = {};
  DataOptions data = {};     // the proxy task; the final task should be another
  PlanOptions plan = {};     // memory_bytes: the budget; must be above 0
  double step_ms = 0;        // most of a step; 0: any
  int64_t steps = 60;        // of each fine-tuning of the analysis
  double learning_rate = 0;  // 0: as tune
  bool has_new_head = false;
  EvolutionOptions evolution = {};
  FinalOptions finals = {};
  std::string cache = {};  // what was measured, JSON

  int64_t final_steps() const { return finals.steps > 0 ? finals.steps : 3 * steps; }
};

}  // namespace verge::fit
