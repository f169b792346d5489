#include "llama_model.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include <ggml-backend.h>

namespace {

constexpr int kBatch = 512;  // llama.cpp's own default for the physical batch

void print_errors(ggml_log_level level, const char* text, void*) {
  if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
}

llama_flash_attn_type flash_attention(const std::string& name) {
  if (name == "on") return LLAMA_FLASH_ATTN_TYPE_ENABLED;
  if (name == "off") return LLAMA_FLASH_ATTN_TYPE_DISABLED;
  return LLAMA_FLASH_ATTN_TYPE_AUTO;
}

struct Batch {
  llama_batch data = llama_batch_init(kBatch, 0, 1);
  ~Batch() { llama_batch_free(data); }

  void fill(std::span<const llama_token> tokens, int first, bool all_logits) {
    data.n_tokens = static_cast<int32_t>(tokens.size());
    for (int i = 0; i < data.n_tokens; ++i) {
      data.token[i] = tokens[i];
      data.pos[i] = first + i;
      data.n_seq_id[i] = 1;
      data.seq_id[i][0] = 0;
      data.logits[i] = all_logits || i + 1 == data.n_tokens;
    }
  }
};

}  // namespace

void start_llama() {
  llama_log_set(print_errors, nullptr);
  ggml_backend_load_all_from_path(LLAMA_LIBRARIES);
  llama_backend_init();
}

ModelPointer load_model(const std::string& path, const Options& options, bool vocab_only) {
  llama_model_params params = llama_model_default_params();
  params.vocab_only = vocab_only;
  params.use_extra_bufts = !options.has("--plain");
  ModelPointer model(llama_model_load_from_file(path.c_str(), params));
  if (!model) throw std::runtime_error(path + " does not load");
  return model;
}

ContextPointer make_context(llama_model* model, const Options& options, int tokens, int sequences) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<uint32_t>(tokens);
  params.n_batch = kBatch;
  params.n_ubatch = kBatch;
  params.n_seq_max = static_cast<uint32_t>(sequences);
  params.n_threads = options.number("--threads", 2);
  params.n_threads_batch = params.n_threads;
  params.kv_unified = options.has("--unified");
  params.flash_attn_type = flash_attention(options.text("--flash", ""));
  if (options.text("--kv", "f16") == "f32") params.type_k = params.type_v = GGML_TYPE_F32;
  ContextPointer context(llama_init_from_model(model, params));
  if (!context) throw std::runtime_error("no context of " + std::to_string(tokens) + " tokens");
  return context;
}

void attach_adapter(llama_model* model, llama_context* context, const Options& options) {
  if (!options.has("--lora")) return;
  const std::string path = options.text("--lora", "");
  llama_adapter_lora* adapter = llama_adapter_lora_init(model, path.c_str());
  if (adapter == nullptr) throw std::runtime_error(path + " does not load");
  float scale = 1;
  if (llama_set_adapters_lora(context, &adapter, 1, &scale) != 0) {
    throw std::runtime_error(path + " cannot be applied");
  }
}

std::vector<llama_token> tokenize(const llama_vocab* vocab, const std::string& text, bool special,
                                  bool parse_special) {
  std::vector<llama_token> tokens(text.size() + 8);
  const int count =
      llama_tokenize(vocab, text.data(), static_cast<int32_t>(text.size()), tokens.data(),
                     static_cast<int32_t>(tokens.size()), special, parse_special);
  if (count < 0) throw std::runtime_error("the text has more tokens than bytes");
  tokens.resize(static_cast<size_t>(count));
  return tokens;
}

std::string detokenize(const llama_vocab* vocab, std::span<const llama_token> tokens) {
  std::string text;
  for (const llama_token token : tokens) {
    std::vector<char> piece(256);
    const auto size = [&] { return static_cast<int32_t>(piece.size()); };
    int length = llama_token_to_piece(vocab, token, piece.data(), size(), 0, false);
    if (length < 0) {
      piece.resize(static_cast<size_t>(-length));
      length = llama_token_to_piece(vocab, token, piece.data(), size(), 0, false);
    }
    text.append(piece.data(), static_cast<size_t>(std::max(length, 0)));
  }
  return text;
}

void decode(llama_context* context, std::span<const llama_token> tokens, int first,
            std::vector<float>* all_logits) {
  const int vocab = llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(context)));
  Batch batch;
  for (size_t done = 0; done < tokens.size(); done += kBatch) {
    const auto part = tokens.subspan(done, std::min<size_t>(kBatch, tokens.size() - done));
    batch.fill(part, first + static_cast<int>(done), all_logits != nullptr);
    if (llama_decode(context, batch.data) != 0) throw std::runtime_error("llama_decode failed");
    if (all_logits == nullptr) continue;
    const float* logits = llama_get_logits(context);
    all_logits->insert(all_logits->end(), logits, logits + part.size() * vocab);
  }
}

llama_token greedy(llama_context* context) {
  const int vocab = llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(context)));
  const float* logits = llama_get_logits_ith(context, -1);
  return static_cast<llama_token>(std::max_element(logits, logits + vocab) - logits);
}
