#pragma once
// SpeculativeAdvance: what generate() is given to answer with speculation.
//
//   VERGE_TRY(auto proposer, ExitProposer::create(*model));
//   SpeculativeAdvance advance(std::move(proposer), {}, clock);
//   VERGE_TRY(Generation answer,
//             generate(*model, session, prompt, options, clock, {}, nullptr, &advance));
//   advance.counts().acceptance_rate();
//
// The model must be loaded with max_outputs of the longest draft and one more.

#include <verge/stages/serve/generate/generate.hpp>
#include <verge/stages/serve/speculation/speculative_state.hpp>

namespace verge::serve {

/// An Advance that counts what it drafts, over all answers.
class DraftingAdvance : public Advance {
 public:
  virtual const SpeculationCounts& counts() const = 0;
  virtual std::string_view proposer() const = 0;
};

/// May serve one answer after another; what it has learnt of times stays.
class SpeculativeAdvance : public DraftingAdvance {
 public:
  SpeculativeAdvance(std::unique_ptr<Proposer> proposer, const SpeculationOptions& options,
                     const Clock& clock)
      : state_(std::move(proposer), options, clock), clock_(clock) {}

  Result<Piece> step(runtime::Session& session, Answer& answer,
                     const std::atomic<bool>* cancel) override;
  const SpeculationCounts& counts() const override { return state_.counts(); }
  std::string_view proposer() const override { return state_.proposer().name(); }

 private:
  SpeculativeState state_;
  const Clock& clock_;
  std::vector<std::span<const float>> rows_;
};

}  // namespace verge::serve
