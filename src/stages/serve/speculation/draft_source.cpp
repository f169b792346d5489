#include <verge/stages/serve/speculation/draft_source.hpp>
#include <verge/stages/serve/speculation/exit_proposer.hpp>
#include <verge/stages/serve/speculation/model_proposer.hpp>
#include <verge/stages/serve/speculation/ngram_proposer.hpp>
#include <verge/stages/serve/speculation/verify.hpp>

namespace verge::serve {
namespace {

Result<ProposerFactory> by_exits(model::LanguageModel& target, int64_t layers) {
  VERGE_RETURN_IF_ERROR(target.prepare_exit(layers));
  return ProposerFactory(
      [&target, layers] { return std::move(*ExitProposer::create(target, layers)); });
}

Result<ProposerFactory> by_model(const model::LanguageModel& target, model::LanguageModel& draft) {
  VERGE_RETURN_IF_ERROR(check_same_vocabulary({target.source().path, target.tokenizer()},
                                              {draft.source().path, draft.tokenizer()}));
  return ProposerFactory([&draft] { return std::make_unique<ModelProposer>(draft.decoder()); });
}

}  // namespace

model::LoadOptions draft_load(model::LoadOptions target) {
  target.max_outputs = 1;
  target.adapters.clear();
  target.max_adapters = 0;
  target.plan.clear();
  return target;
}

Result<ProposerFactory> proposers(const DraftSource& source, model::LanguageModel& target,
                                  model::LanguageModel* draft) {
  if (!source.is_on()) return ProposerFactory();
  if (most_draft(target.decoder()) < 1) {
    return make_error(Code::Unsupported,
                      "speculation: this model's runs give the bits of single tokens for too few "
                      "tokens; leave out --plan, or speculation");
  }
  switch (source.kind) {
    case DraftSource::Kind::None:
    case DraftSource::Kind::Ngram:
      break;
    case DraftSource::Kind::Exits:
      return by_exits(target, source.exit_layers);
    case DraftSource::Kind::Model:
      VERGE_CHECK(draft != nullptr, source.path);
      return by_model(target, *draft);
  }
  return ProposerFactory([] { return std::make_unique<NgramProposer>(); });
}

}  // namespace verge::serve
