#pragma once
// gated: a constraint with ways around it: an answer that reasons first is free until it has
// reasoned, one that calls a tool is free from the call on, and what is neither is held.

#include <memory>
#include <string>
#include <vector>

#include <verge/engine/text/token_constraint.hpp>
#include <verge/engine/text/tokenizer.hpp>

namespace verge::serve::api {

/// Text that may stand where the constraint would begin. Behind `close` the constraint (or another
/// gate) begins; without one the rest of the answer is free.
struct Bypass {
  std::string open;
  std::string close = {};
};

/// `begun`: the prompt has opened the first gate already. Control tokens count as their text.
std::unique_ptr<text::TokenConstraint> gated(std::unique_ptr<text::TokenConstraint> inner,
                                             std::shared_ptr<const text::Tokenizer> tokenizer,
                                             std::vector<Bypass> gates, bool begun);

}  // namespace verge::serve::api
