#include <verge/engine/model/training_text.hpp>
#include <verge/engine/text/bpe_trainer.hpp>
#include <verge/stages/build/train_lm/corpus.hpp>

namespace verge::build {

Result<Corpus> make_corpus(const CorpusOptions& options, int64_t context) {
  VERGE_TRY(const model::TrainingText text,
            model::read_training_text(options.files, options.held_out));
  text::BpeTraining training;
  training.tokens = options.vocabulary;
  VERGE_TRY(text::Vocabulary vocabulary, text::train_bpe(text.training(), training));
  Corpus corpus;
  VERGE_TRY(corpus.tokenizer, text::make_tokenizer(std::move(vocabulary)));
  corpus.training = corpus.tokenizer->encode(text.training());
  corpus.held_out = corpus.tokenizer->encode(text.held_out());
  corpus.held_out_bytes = std::ssize(text.held_out());
  corpus.sha = text.sha;
  VERGE_RETURN_IF_ERROR(
      model::check_training_text(corpus.training.size(), corpus.held_out.size(), context));
  return corpus;
}

}  // namespace verge::build
