#include <nlohmann/json.hpp>

#include <verge/cli/speculation.hpp>
#include <verge/stages/serve/speculation/exit_proposer.hpp>
#include <verge/stages/serve/speculation/model_proposer.hpp>
#include <verge/stages/serve/speculation/ngram_proposer.hpp>

namespace verge::cli {

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

void SpeculationOptions::declare(Parser& parser) {
  const char* const group = "Speculation";
  parser
      .add_option("--speculate", by,
                  "Guess tokens ahead: ngram, from the text; exits, by the model's exit heads; off")
      .one_of({"off", "ngram", "exits"})
      .group(group);
  parser.add_option("--draft", draft, "Guess tokens ahead by this smaller model").group(group);
  parser.add_option("--draft-tokens", draft_tokens, "Most tokens guessed ahead, 1 to 64")
      .group(group);
  parser
      .add_option("--exit-layers", exit_layers, "The exit head after so many layers; 0: the first")
      .group(group);
  parser
      .add_flag(
          "--draft-own-draws", own_draws,
          "Draw guesses by random numbers of their own: other tokens of the same distribution")
      .group(group);
  parser.add_flag("--draft-always", always, "Guess in every step, whether it pays or not")
      .group(group);
}

Status SpeculationOptions::check() const {
  if (by != "off" && !draft.empty()) {
    return make_error(Code::InvalidArgument, "--speculate {} and --draft: give one of them", by);
  }
  if (draft_tokens < 1 || draft_tokens > 64) {
    return make_error(Code::InvalidArgument, "--draft-tokens {}: give 1 to 64", draft_tokens);
  }
  return {};
}

Result<std::unique_ptr<serve::Proposer>> SpeculationOptions::proposer(
    model::LanguageModel& model, model::LanguageModel* draft) const {
  std::unique_ptr<serve::Proposer> made;
  if (draft != nullptr) {
    VERGE_TRY(made, serve::ModelProposer::create(model, *draft));
  } else if (by == "exits") {
    VERGE_TRY(made, serve::ExitProposer::create(model, exit_layers));
  } else {
    made = std::make_unique<serve::NgramProposer>();
  }
  return made;
}

Result<Speculation> SpeculationOptions::make(model::LanguageModel& model, const ModelOptions& like,
                                             ThreadPool& pool, const Clock& clock) const {
  Speculation made;
  VERGE_RETURN_IF_ERROR(check());
  if (!is_on()) return made;
  if (serve::most_draft(model.decoder()) < 1) {
    return make_error(Code::Unsupported,
                      "speculation: this model's runs give the bits of single tokens for too few "
                      "tokens; leave out --plan, or speculation");
  }
  if (!draft.empty()) {
    if (!like.memory.empty()) {
      return make_error(Code::InvalidArgument,
                        "--mem and --draft: a second model would come on top of the ceiling; leave "
                        "out one of them");
    }
    ModelOptions options = like;
    options.model = draft;
    options.plan.clear();
    options.lora.clear();
    VERGE_TRY(made.draft_, options.load(pool));
  }
  VERGE_TRY(auto guesses, proposer(model, made.draft_.get()));
  serve::SpeculationOptions options;
  options.policy.max_draft = draft_tokens;
  options.draws = own_draws ? serve::DraftDraws::Own : serve::DraftDraws::Shared;
  options.always = always;
  made.advance_ = std::make_unique<serve::SpeculativeAdvance>(std::move(guesses), options, clock);
  return made;
}

}  // namespace verge::cli
