#pragma once
// --speculate, --draft and what goes with them: how a command answers several tokens at a time.

#include <algorithm>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include <verge/cli/options.hpp>
#include <verge/core/clock.hpp>
#include <verge/stages/serve/speculation/draft_source.hpp>
#include <verge/stages/serve/speculation/tree_advance.hpp>

namespace verge::cli {

/// What the options stand for: nothing, or what generate() is given. The model must outlive it.
class Speculation {
 public:
  /// Null where every token is run by itself.
  serve::Advance* advance() const { return advance_.get(); }
  /// draft_tokens, accepted_tokens, acceptance_rate, speculation_speedup; nothing while off.
  void report(nlohmann::ordered_json& json) const;
  /// The same as part of a line.
  std::string summary() const;

 private:
  friend struct SpeculationOptions;
  std::unique_ptr<model::LanguageModel> draft_;  // outlives the advance
  std::unique_ptr<serve::DraftingAdvance> advance_;
};

struct SpeculationOptions {
  std::string by = "off";
  std::string draft;
  int64_t draft_tokens = 8;
  int64_t exit_layers = 0;
  int64_t tree_nodes = 0;  // 0: no tree
  bool own_draws = false;
  bool always = false;

  void declare(Parser& parser);
  /// Those that say what guesses, without those of how it is drawn and when.
  void declare_source(Parser& parser);
  /// Fails with InvalidArgument for options that do not go together, NotFound for a draft model
  /// that is not stored.
  Result<serve::DraftSource> source() const;
  /// They are not one path of the answer's own draws, tried where it pays.
  bool shapes_drafts() const { return tree_nodes > 0 || exit_layers > 0 || own_draws || always; }
  bool is_on() const { return by != "off" || !draft.empty(); }
  /// Rows of logits that the model must be loaded with.
  int64_t max_outputs() const { return is_on() ? std::max(draft_tokens, tree_nodes) + 1 : 1; }
  /// Paths of a tree, that it must be loaded for.
  int64_t paths() const { return is_on() ? std::max<int64_t>(tree_nodes, 1) : 1; }
  /// Loads the draft model, if one is given, like the model itself. Fails with InvalidArgument for
  /// options that do not go together, else as its loading and the proposers do.
  Result<Speculation> make(model::LanguageModel& model, const ModelOptions& like, ThreadPool& pool,
                           const Clock& clock) const;

 private:
  Status check() const;
  std::unique_ptr<serve::DraftingAdvance> advance(std::unique_ptr<serve::Proposer> proposer,
                                                  const Clock& clock) const;
};

}  // namespace verge::cli
