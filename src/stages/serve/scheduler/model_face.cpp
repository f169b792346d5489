#include <algorithm>

#include <verge/core/units.hpp>
#include <verge/engine/model/decoder_options.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/stages/serve/scheduler/model_face.hpp>
#include <verge/stages/serve/speculation/model_proposer.hpp>

namespace verge::serve {
namespace {

Result<std::unique_ptr<text::Tokenizer>> read_tokenizer(const format::ModelSource& source) {
  VERGE_TRY(text::Vocabulary vocabulary, model::read_vocabulary(source));
  return text::make_tokenizer(std::move(vocabulary));
}

model::MemoryNeed sum(model::MemoryNeed need, const model::MemoryNeed& more) {
  need.weights_bytes += more.weights_bytes;
  need.kv_bytes += more.kv_bytes;
  need.arena_bytes += more.arena_bytes;
  return need;
}

// The draft model fits, and has its place.
Status add_draft_model(const ServedModel& served, ModelFace& face) {
  if (served.load.memory_bytes > 0) {
    return make_error(Code::InvalidArgument,
                      "{}: a draft model would come on top of the memory ceiling; leave out one of "
                      "them",
                      face.source.path);
  }
  VERGE_TRY(const format::ModelSource source, format::ModelSource::open(served.drafts.path));
  VERGE_TRY(const auto tokenizer, read_tokenizer(source));
  VERGE_RETURN_IF_ERROR(
      check_same_vocabulary({face.source.path, *face.tokenizer}, {source.path, *tokenizer}));
  VERGE_TRY(face.draft_need, model::plan_memory_need(source, draft_load(served.load)));
  face.need = sum(face.need, face.draft_need);
  return {};
}

Result<std::shared_ptr<ModelFace>> make_face(const ServedModel& model) {
  auto face = std::make_shared<ModelFace>();
  face->name = model.name;
  VERGE_TRY(face->source, format::ModelSource::open(model.path));
  VERGE_TRY(face->config, nn::read_config(model::FileFacts(face->source)));
  VERGE_RETURN_IF_ERROR(model::check_options(face->config, model.load));
  VERGE_TRY(face->tokenizer, read_tokenizer(face->source));
  face->load = model.load;
  face->runner = model.runner;
  VERGE_TRY(face->need, model::plan_memory_need(face->source, face->load));
  for (const model::AdapterSpec& adapter : model.load.adapters) {
    face->adapters.push_back(adapter.name);
  }
  const nn::DecoderShape shape = model::decoder_shape(face->config, model.load);
  face->kv_tokens = shape.pages * shape.page_tokens;
  face->context =
      model.load.context > 0 ? model.load.context : shape.pages_per_sequence * shape.page_tokens;
  if (model.drafts.kind == DraftSource::Kind::Exits) {
    VERGE_RETURN_IF_ERROR(
        model::exit_layers_of(face->config, face->source.path, model.drafts.exit_layers));
  } else if (model.drafts.kind == DraftSource::Kind::Model) {
    VERGE_RETURN_IF_ERROR(add_draft_model(model, *face));
  }
  return face;
}

Status stream_weights(ModelFace& face, int64_t budget_bytes, int64_t ceiling_bytes) {
  const model::MemoryNeed whole = face.need;
  face.load.memory_bytes = std::max<int64_t>(1, ceiling_bytes - face.draft_need.total());
  face.load.embeds = true;
  auto need = model::plan_memory_need(face.source, face.load);
  if (need) {
    face.need = sum(*need, face.draft_need);
    return {};
  }
  if (need.error().code != Code::OutOfMemory) return need.error();
  return make_error(
      Code::OutOfMemory,
      "model {} needs {} (weights {}, cache {}, activations {}) of the {} that models may have, "
      "and too much even with its weights streamed: {}",
      face.name, show_bytes(whole.total()), show_bytes(whole.weights_bytes),
      show_bytes(whole.kv_bytes), show_bytes(whole.arena_bytes), show_bytes(budget_bytes),
      need.error().message);
}

}  // namespace

Result<std::shared_ptr<const ModelFace>> read_face(const ServedModel& model) {
  VERGE_TRY(std::shared_ptr<const ModelFace> face, make_face(model));
  return face;
}

Result<std::shared_ptr<const ModelFace>> read_face(const ServedModel& model, int64_t budget_bytes,
                                                   int64_t ceiling_bytes) {
  VERGE_TRY(const std::shared_ptr<ModelFace> face, make_face(model));
  if (face->need.total() > budget_bytes) {
    VERGE_RETURN_IF_ERROR(stream_weights(*face, budget_bytes, ceiling_bytes));
  }
  return std::shared_ptr<const ModelFace>(face);
}

}  // namespace verge::serve
