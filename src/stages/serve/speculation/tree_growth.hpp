#pragma once
// grow_tree: a model that drafts makes a tree, a run for each depth: after each of the likeliest
// nodes of the depth before, its likeliest tokens.

#include <functional>
#include <span>

#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/speculation/draft.hpp>
#include <verge/stages/serve/speculation/draft_tree.hpp>

namespace verge::serve {

/// Runs the drafting model; the logits after item i are then row i of step_logits.
using DraftRun = std::function<Status(std::span<const runtime::StepItem>)>;

/// A tree after what `base` has just run, whose logits are row 0. `base` grows by guesses, the rest
/// of which go to forks of it. The path of what the sampler draws is in the tree; a node of it is
/// taken to be drawn with at least the probability kSharedDraw. Where pages lack the tree is
/// smaller. Fails with Cancelled.
Result<DraftTree> grow_tree(runtime::Sequence& base, const TreeShape& shape, DraftSampler& sampler,
                            const DraftRun& run);

}  // namespace verge::serve
