#pragma once
// Options that several commands share, and what they stand for.

#include <memory>
#include <string>

#include <verge/cli/parser.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/engine/text/grammar/grammar.hpp>
#include <verge/engine/text/sampler.hpp>

namespace verge::cli {

/// Of every MODEL argument.
inline constexpr const char* kModelHelp =
    "A GGUF file, a folder with safetensors, or the name of a stored model";

/// --threads: how many, checked against the machine.
struct ThreadOptions {
  int threads = 0;  // 0: one a core

  void declare(Parser& parser);
  /// Fails with InvalidArgument for more threads than cores.
  Status check() const;
  Result<std::unique_ptr<ThreadPool>> make_pool() const;
};

/// MODEL, --context, --kv, --isa: a language model and how to hold it.
struct ModelOptions {
  std::string model;
  int64_t context = 0;
  std::string kv = "f16";
  std::string isa;
  ThreadOptions threads;
  std::string plan;
  std::string lora;
  std::string memory;

  void declare(Parser& parser);
  /// --plan
  void declare_plan(Parser& parser);
  /// --mem: a ceiling on the memory of the whole process.
  void declare_memory(Parser& parser);
  /// --lora
  void declare_lora(Parser& parser);
  Result<model::LoadOptions> load_options() const;
  /// `max_outputs` as in model::LoadOptions; `paths` of one sequence that run at once.
  Result<std::unique_ptr<model::LanguageModel>> load(ThreadPool& pool, int64_t max_outputs = 1,
                                                     int64_t paths = 1) const;
  /// A session of the loaded model, with the adapter of --lora if there is one.
  runtime::Session session(model::LanguageModel& model) const;
};

/// "512M" of an option, in bytes; 0 for an empty text. Fails naming the option, for "0" as well.
Result<int64_t> size_option(const char* option, const std::string& text);

/// InvalidArgument where a command would write over the file that it reads.
Status expect_other_file(const std::string& in, const std::string& out);

/// What a command takes beside its model: code, tokenizer and buffers.
int64_t process_bytes();

/// "FILE" or "FILE:SCALE", of the name "lora". A file whose own name ends in :NUMBER wins.
model::AdapterSpec adapter_spec(const std::string& text);

/// --grammar, --json-schema: what an answer must look like.
struct GrammarOptions {
  std::string grammar;      // a file
  std::string json_schema;  // a file, or the schema itself

  void declare(Parser& parser);
  /// Null without either. InvalidArgument for both; else as the readers of text::Grammar do, with
  /// the file's name.
  Result<std::shared_ptr<const text::Grammar>> read() const;
};

/// --temp, --top-k and the rest of the sampler's chain.
void declare_sampling(Parser& parser, text::SamplerOptions& options);

}  // namespace verge::cli
