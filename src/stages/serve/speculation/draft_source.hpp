#pragma once
// DraftSource: what guesses the tokens of a model's answers, as its user has asked for.

#include <functional>
#include <memory>
#include <string>

#include <verge/engine/model/language_model.hpp>
#include <verge/stages/serve/speculation/proposer.hpp>

namespace verge::serve {

struct DraftSource {
  enum class Kind { None, Ngram, Exits, Model };
  Kind kind = Kind::None;
  std::string path = {};    // Model: the draft model's
  int64_t most_tokens = 8;  // of a draft
  int64_t exit_layers = 0;  // Exits: the head after so many layers; 0: after the fewest

  bool is_on() const { return kind != Kind::None; }
};

/// How the draft model of one that is loaded so is loaded: with as much room, and by itself.
model::LoadOptions draft_load(model::LoadOptions target);

using ProposerFactory = std::function<std::unique_ptr<Proposer>()>;

/// Makes a proposer for each sequence; null for Kind::None. `draft`: loaded from `path`, or null.
/// The models must outlive it. Fails with Unsupported where no draft is exact (most_draft) and as
/// ExitProposer::create and check_same_vocabulary do.
Result<ProposerFactory> proposers(const DraftSource& source, model::LanguageModel& target,
                                  model::LanguageModel* draft);

}  // namespace verge::serve
