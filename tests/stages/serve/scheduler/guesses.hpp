#pragma once
// A proposer that says what it was told to.

#include <map>
#include <stdexcept>

#include <verge/stages/serve/speculation/draft_source.hpp>

namespace verge::test {

/// What follows each token; 0: a guess that throws.
using Guesses = std::map<int32_t, int32_t>;

class ToldProposer : public serve::Proposer {
 public:
  explicit ToldProposer(const Guesses& guesses) : guesses_(guesses) {}
  std::string_view name() const override { return "told"; }
  Status prepare(runtime::Sequence&, const std::atomic<bool>*) override { return {}; }

  Result<serve::Draft> propose(runtime::Sequence&, int32_t newest, int64_t most,
                               serve::DraftSampler&, const std::atomic<bool>*) override {
    serve::Draft draft;
    for (auto next = guesses_.find(newest);
         next != guesses_.end() && static_cast<int64_t>(draft.tokens.size()) < most;
         next = guesses_.find(next->second)) {
      if (next->second == 0) throw std::runtime_error("a bug in a guess");
      draft.tokens.push_back(next->second);
    }
    return draft;
  }

 private:
  const Guesses& guesses_;
};

/// Proposers of these guesses, which must outlive them.
inline serve::ProposerFactory told(const Guesses& guesses) {
  return [&guesses] { return std::make_unique<ToldProposer>(guesses); };
}

}  // namespace verge::test
