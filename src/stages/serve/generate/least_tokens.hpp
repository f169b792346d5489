#pragma once
// least_tokens: an answer of at least so many tokens.

#include <memory>
#include <vector>

#include <verge/engine/text/token_constraint.hpp>

namespace verge::serve {

/// What `inner` allows (null: everything), without `ends`, the tokens that would end the answer,
/// until `count` tokens are drawn. Where `inner` allows nothing else, the answer may end
/// nevertheless.
std::unique_ptr<text::TokenConstraint> least_tokens(int64_t count, std::vector<int32_t> ends,
                                                    std::unique_ptr<text::TokenConstraint> inner);

}  // namespace verge::serve
