#pragma once
// A model and a context of llama.cpp, loaded with its defaults unless the options say otherwise:
//   --threads T       default 2
//   --kv f32|f16      type of the KV cache, default f16
//   --flash on|off    flash attention, default: the library decides
//   --plain           weights as they stand in the file, not repacked for the CPU
//   --lora FILE       an adapter, of scale 1

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <llama.h>

#include "options.hpp"

struct ModelFree {
  void operator()(llama_model* model) const { llama_model_free(model); }
};
struct ContextFree {
  void operator()(llama_context* context) const { llama_free(context); }
};
using ModelPointer = std::unique_ptr<llama_model, ModelFree>;
using ContextPointer = std::unique_ptr<llama_context, ContextFree>;

/// Loads the CPU back ends of the package and silences everything but errors.
void start_llama();

/// Throws std::runtime_error if the file does not load.
ModelPointer load_model(const std::string& path, const Options& options, bool vocab_only = false);
/// `tokens` over all `sequences`, an equal share for each.
ContextPointer make_context(llama_model* model, const Options& options, int tokens,
                            int sequences = 1);
/// With --lora FILE, adds the adapter to the context; it lives as long as the model.
void attach_adapter(llama_model* model, llama_context* context, const Options& options);

std::vector<llama_token> tokenize(const llama_vocab* vocab, const std::string& text, bool special,
                                  bool parse_special);
std::string detokenize(const llama_vocab* vocab, std::span<const llama_token> tokens);

/// Runs tokens at positions first, first + 1, ... in steps of at most 512. With `all_logits`,
/// `logits` receives [tokens, vocab]; else only the last token's can be read from the context.
void decode(llama_context* context, std::span<const llama_token> tokens, int first,
            std::vector<float>* all_logits = nullptr);

/// The most likely token after the last decode.
llama_token greedy(llama_context* context);
