#pragma once
// Constraints: what an answer must look like, as a constraint on its tokens. Grammars that clients
// send again and again are compiled once.

#include <memory>
#include <mutex>
#include <optional>

#include <verge/engine/text/grammar/grammar_constraint.hpp>
#include <verge/engine/text/tokenizer.hpp>
#include <verge/stages/serve/api/call_syntax.hpp>
#include <verge/stages/serve/api/generation_request.hpp>
#include <verge/stages/serve/api/reasoning.hpp>

namespace verge::serve::api {

class Problem;

/// Of one vocabulary. Any thread.
class Constraints {
 public:
  /// `most_bytes`: of grammars that are kept.
  Constraints(std::shared_ptr<const text::Tokenizer> tokenizer, size_t most_bytes)
      : tokenizer_(std::move(tokenizer)), most_bytes_(most_bytes) {}

  /// How the model writes what may stand before and beside an answer that is held.
  struct Dialect {
    CallSyntax syntax = CallSyntax::Hermes;
    std::optional<ReasoningTags> reasoning = {};
    bool begins_reasoning = false;  // the prompt has opened it
  };

  /// Null for an answer that is free. An answer may reason first, one that is a forced call only
  /// where the prompt began it; where tools may be called, it may be a call instead; what is left
  /// is held. Reports a schema or grammar that is none, or is beyond what grammars can say.
  std::shared_ptr<const text::TokenConstraint> make(const GenerationRequest& request,
                                                    const Dialect& dialect, Problem& problem) const;

 private:
  text::GrammarCache& cache() const;

  std::shared_ptr<const text::Tokenizer> tokenizer_;
  size_t most_bytes_;
  mutable std::once_flag built_;
  mutable std::unique_ptr<text::GrammarCache> cache_;
};

}  // namespace verge::serve::api
