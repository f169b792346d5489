#include <verge/engine/model/decoder_options.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/stages/serve/scheduler/model_face.hpp>

namespace verge::serve {

Result<std::shared_ptr<const ModelFace>> read_face(const ServedModel& model) {
  auto face = std::make_shared<ModelFace>();
  face->name = model.name;
  VERGE_TRY(face->source, format::ModelSource::open(model.path));
  VERGE_TRY(face->config, nn::read_config(model::FileFacts(face->source)));
  VERGE_RETURN_IF_ERROR(model::check_options(face->config, model.load));
  VERGE_TRY(text::Vocabulary vocabulary, model::read_vocabulary(face->source));
  VERGE_TRY(face->tokenizer, text::make_tokenizer(std::move(vocabulary)));
  VERGE_TRY(face->need, model::plan_memory_need(face->source, model.load));
  for (const model::AdapterSpec& adapter : model.load.adapters) {
    face->adapters.push_back(adapter.name);
  }
  const nn::DecoderShape shape = model::decoder_shape(face->config, model.load);
  face->kv_tokens = shape.pages * shape.page_tokens;
  face->context =
      model.load.context > 0 ? model.load.context : shape.pages_per_sequence * shape.page_tokens;
  return std::shared_ptr<const ModelFace>(std::move(face));
}

}  // namespace verge::serve
