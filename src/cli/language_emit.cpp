#include <verge/cli/language_emit.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/engine/emit/c_language_program.hpp>
#include <verge/engine/model/decoder_source.hpp>
#include <verge/engine/model/file_facts.hpp>

namespace verge::cli {
namespace {

Result<std::string> main_of(const format::ModelSource& source, const std::string& name) {
  VERGE_TRY(text::Vocabulary vocabulary, model::read_vocabulary(source));
  VERGE_TRY(const auto tokenizer, text::make_tokenizer(std::move(vocabulary)));
  auto program = emit::c_language_program(name, *tokenizer);
  if (program) return program;
  return make_error(program.error().code, "{}: {}", source.path, program.error().message);
}

}  // namespace

Status emit_language_model(const EmitOptions& options, const ModelOptions& model,
                           const std::string& output, Context& context) {
  VERGE_TRY(const std::string name, source_name(options, output));
  if (options.shapes.is_given()) {
    return make_error(Code::InvalidArgument,
                      "--shape and --value are for networks: a language model takes --context");
  }
  VERGE_TRY(const std::string path, model_path(model.model));
  VERGE_TRY(const auto source, format::ModelSource::open(path));
  VERGE_TRY(const model::LoadOptions load, model.load_options());
  std::string main;  // first: that a tokenizer has no C is soon said
  if (options.emit == "elf") {
    VERGE_TRY(main, main_of(source, name));
  }
  auto made = model::decoder_source(source, load, name);
  if (!made) return make_error(made.error().code, "{}: {}", path, made.error().message);
  return write_source(options, {made->source, name, std::move(main), made->nodes}, output, context);
}

}  // namespace verge::cli
