#include <nlohmann/json.hpp>

#include <verge/cli/model_store.hpp>
#include <verge/cli/speculation.hpp>

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
    ModelOptions options = like;
    options.model = draft;
    options.plan.clear();
    options.lora.clear();
    VERGE_TRY(made.draft_, options.load(pool));
  }
  VERGE_TRY(const auto proposer, serve::proposers(from, model, made.draft_.get()));
  serve::SpeculationOptions options;
  options.policy.max_draft = draft_tokens;
  options.draws = own_draws ? serve::DraftDraws::Own : serve::DraftDraws::Shared;
  options.always = always;
  made.advance_ = std::make_unique<serve::SpeculativeAdvance>(proposer(), options, clock);
  return made;
}

}  // namespace verge::cli
