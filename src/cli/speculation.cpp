#include <nlohmann/json.hpp>

#include <verge/cli/model_store.hpp>
#include <verge/cli/speculation.hpp>
#include <verge/engine/model/decoder_options.hpp>

namespace verge::cli {
namespace {

constexpr const char* kGroup = "Speculation";

}  // namespace

void Speculation::report(nlohmann::ordered_json& json) const {
  if (!advance_) return;
  const serve::SpeculationCounts& counts = advance_->counts();
  json["draft_tokens"] = counts.draft_tokens;
  json["accepted_tokens"] = counts.accepted_tokens;
  json["acceptance_rate"] = counts.acceptance_rate();
  json["speculation_speedup"] = counts.speedup();
}

std::string Speculation::summary() const {
  if (!advance_) return "";
  const serve::SpeculationCounts& counts = advance_->counts();
  return fmt::format("drafts by {}: {} of {} accepted, about {:.2f}x", advance_->proposer(),
                     counts.accepted_tokens, counts.draft_tokens, counts.speedup());
}

void SpeculationOptions::declare_source(Parser& parser) {
  const auto add = [&](Option option) { option.group(kGroup); };
  add(parser
          .add_option("--speculate", by,
                      "Guess tokens ahead: ngram, from the text; exits, by the model's exit heads; "
                      "off")
          .one_of({"off", "ngram", "exits"}));
  add(parser.add_option("--draft", draft, "Guess tokens ahead by this smaller model"));
  add(parser.add_option("--draft-tokens", draft_tokens, "Most tokens guessed ahead, 1 to 64"));
  add(parser.add_option("--exit-layers", exit_layers,
                        "The exit head after so many layers; 0: the first"));
}

void SpeculationOptions::declare(Parser& parser) {
  declare_source(parser);
  parser
      .add_flag(
          "--draft-own-draws", own_draws,
          "Draw guesses by random numbers of their own: other tokens of the same distribution")
      .group(kGroup);
  parser
      .add_option("--draft-tree", tree_nodes,
                  "Guess a tree of so many tokens, 2 to 64, with paths of --draft-tokens; 0: one "
                  "path")
      .group(kGroup);
  parser.add_flag("--draft-always", always, "Guess in every step, whether it pays or not")
      .group(kGroup);
}

Status SpeculationOptions::check() const {
  if (by != "off" && !draft.empty()) {
    return make_error(Code::InvalidArgument, "--speculate {} and --draft: give one of them", by);
  }
  if (draft_tokens < 1 || draft_tokens > 64) {
    return make_error(Code::InvalidArgument, "--draft-tokens {}: give 1 to 64", draft_tokens);
  }
  if (tree_nodes == 0) return {};
  if (tree_nodes < 2 || tree_nodes > 64) {
    return make_error(Code::InvalidArgument, "--draft-tree {}: give 2 to 64, or 0 for one path",
                      tree_nodes);
  }
  if (!is_on()) {
    return make_error(Code::InvalidArgument,
                      "--draft-tree: say what guesses by --speculate or --draft");
  }
  if (own_draws) {
    return make_error(Code::InvalidArgument,
                      "--draft-tree and --draft-own-draws: a tree is for the answer's own draws; "
                      "leave out one of them");
  }
  return {};
}

Result<serve::DraftSource> SpeculationOptions::source() const {
  using Kind = serve::DraftSource::Kind;
  VERGE_RETURN_IF_ERROR(check());
  serve::DraftSource made{.most_tokens = draft_tokens, .exit_layers = exit_layers};
  if (by == "ngram") made.kind = Kind::Ngram;
  if (by == "exits") made.kind = Kind::Exits;
  if (draft.empty()) return made;
  made.kind = Kind::Model;
  VERGE_TRY(made.path, model_path(draft));
  return made;
}

std::unique_ptr<serve::DraftingAdvance> SpeculationOptions::advance(
    std::unique_ptr<serve::Proposer> proposer, const Clock& clock) const {
  serve::SpeculationOptions options;
  options.always = always;
  if (tree_nodes > 0) {
    const serve::TreeShape shape{.nodes = tree_nodes, .depth = draft_tokens};
    return std::make_unique<serve::TreeAdvance>(std::move(proposer), shape, options, clock);
  }
  options.policy.max_draft = draft_tokens;
  options.draws = own_draws ? serve::DraftDraws::Own : serve::DraftDraws::Shared;
  return std::make_unique<serve::SpeculativeAdvance>(std::move(proposer), options, clock);
}

Result<Speculation> SpeculationOptions::make(model::LanguageModel& model, const ModelOptions& like,
                                             ThreadPool& pool, const Clock& clock) const {
  Speculation made;
  VERGE_TRY(const serve::DraftSource from, source());
  if (!from.is_on()) return made;
  if (!draft.empty()) {
    if (!like.memory.empty()) {
      return make_error(Code::InvalidArgument,
                        "--mem and --draft: a second model would come on top of the ceiling; leave "
                        "out one of them");
    }
    VERGE_TRY(model::LoadOptions load, like.load_options());
    load = serve::draft_load(std::move(load));
    const int64_t paths = tree_nodes > 0 ? serve::TreeShape{}.width : int64_t{1};
    VERGE_RETURN_IF_ERROR(model::make_room_for_paths(from.path, paths, load));
    VERGE_TRY(made.draft_, model::LanguageModel::load(from.path, load, pool));
  }
  VERGE_TRY(const auto proposer, serve::proposers(from, model, made.draft_.get()));
  made.advance_ = advance(proposer(), clock);
  return made;
}

}  // namespace verge::cli
