#pragma once
// What a model file tells the families (nn) and the tokenizers (text).

#include <verge/engine/format/model_source.hpp>
#include <verge/engine/nn/model_facts.hpp>
#include <verge/engine/text/vocabulary.hpp>

namespace verge::model {

/// ModelFacts of a source that outlives it.
class FileFacts : public nn::ModelFacts {
 public:
  explicit FileFacts(const format::ModelSource& source) : source_(source) {}

  std::string architecture() const override;
  std::optional<double> number(std::string_view key) const override;
  std::optional<std::string> text(std::string_view key) const override;
  std::vector<double> numbers(std::string_view key) const override;
  std::optional<graph::Type> tensor(std::string_view name) const override;
  std::vector<float> tensor_values(std::string_view name) const override;

 private:
  const format::ModelSource& source_;
};

/// The tokenizer's tables, from the keys tokenizer.ggml.* or the model's tokenizer.json. Fails with
/// NotFound for an absent key, Malformed for one of a wrong type; both name it.
Result<text::Vocabulary> read_vocabulary(const format::ModelSource& source);

/// The text of tokenizer.chat_template, where the file has one. Malformed for another type.
Result<std::optional<std::string_view>> read_chat_template(const format::Metadata& metadata);

/// The keys of read_vocabulary() from a vocabulary, for a GGUF file made of a folder.
void write_vocabulary(const text::Vocabulary& vocabulary, format::Metadata& metadata);

}  // namespace verge::model
