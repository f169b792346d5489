#include <verge/engine/model/split_facts.hpp>
#include <verge/stages/serve/collab/split_identity.hpp>

namespace verge::serve {
namespace {

struct ExitPair {
  int64_t first = 0;
  int64_t second = 0;
};

Result<ExitPair> exits_of(const model::LanguageModel& model, ExitPair wanted) {
  const std::string& path = model.source().path;
  VERGE_TRY(const auto split, model::read_split(model.source()));
  std::vector<int64_t> known = split ? split->exits : model.config().exit_layers;
  if (known.size() < 2) {
    return make_error(Code::Unsupported, "{}: it has {} early exits, two are needed; train them",
                      path, known.size());
  }
  const ExitPair exits{wanted.first > 0 ? wanted.first : known[0],
                       wanted.second > 0 ? wanted.second : known[1]};
  for (const int64_t exit : {exits.first, exits.second}) {
    if (std::ranges::count(known, exit) > 0) continue;
    return make_error(Code::Unsupported, "{}: no exit after {} layers; it has them after {}", path,
                      exit, fmt::join(known, ", "));
  }
  if (exits.first < exits.second) return exits;
  return make_error(Code::InvalidArgument,
                    "{}: the first exit is after {} layers, the second after {}; the first must "
                    "come first",
                    path, exits.first, exits.second);
}

}  // namespace

Result<SplitIdentity> split_identity(const model::LanguageModel& model, int64_t exit1,
                                     int64_t exit2) {
  VERGE_TRY(const ExitPair exits, exits_of(model, {exit1, exit2}));
  SplitIdentity split{.exit1 = exits.first,
                      .exit2 = exits.second,
                      .layers = model.config().layers,
                      .width = model.config().d_model};
  VERGE_TRY(split.model_hash, model::model_hash(model.source()));
  VERGE_TRY(split.tokenizer_hash, model::tokenizer_hash(model.source()));
  return split;
}

}  // namespace verge::serve
