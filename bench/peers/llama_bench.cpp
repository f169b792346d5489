#include "llama_bench.hpp"

#include "llama_model.hpp"
#include "process.hpp"

namespace {

struct Run {
  double prefill_ms = 0;
  double decode_ms = 0;
};

/// Tokens that differ from each other, so that experts and embedding rows are not all the same.
std::vector<llama_token> prompt_tokens(int count, int vocab) {
  std::vector<llama_token> tokens(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) tokens[i] = static_cast<int>((i * 7919LL + 3) % vocab);
  return tokens;
}

Run run_once(llama_context* context, std::span<const llama_token> prompt, int generated) {
  llama_memory_clear(llama_get_memory(context), true);
  Run run;
  int64_t start = now_ns();
  decode(context, prompt, 0);
  llama_token token = greedy(context);
  run.prefill_ms = ms_since(start);
  start = now_ns();
  for (int i = 0; i < generated; ++i) {
    decode(context, {&token, 1}, static_cast<int>(prompt.size()) + i);
    token = greedy(context);
  }
  run.decode_ms = ms_since(start);
  return run;
}

}  // namespace

nlohmann::json bench(const Options& options, int64_t exec_ns) {
  const int prompt_count = options.number("--prompt-tokens", 128);
  const int generated = options.number("--gen-tokens", 32);
  const int repeat = options.number("--repeat", 3);
  const int64_t load_start = now_ns();
  const ModelPointer model = load_model(options.word(1), options);
  const double load_ms = ms_since(load_start);
  const ContextPointer context = make_context(model.get(), options, prompt_count + generated);
  const int vocab = llama_vocab_n_tokens(llama_model_get_vocab(model.get()));
  const std::vector<llama_token> prompt = prompt_tokens(prompt_count, vocab);

  run_once(context.get(), prompt, 0);
  const double first_token_ms = ms_since(exec_ns);
  if (repeat > 0) run_once(context.get(), prompt, generated);  // warms up what decodes
  std::vector<double> prefill, decode_rates;
  for (int i = 0; i < repeat; ++i) {
    const Run run = run_once(context.get(), prompt, generated);
    prefill.push_back(prompt_count / run.prefill_ms * 1e3);
    decode_rates.push_back(generated / run.decode_ms * 1e3);
  }
  char description[128];
  llama_model_desc(model.get(), description, sizeof(description));
  return {{"peer", std::string("llama.cpp ") + llama_version()},
          {"model", description},
          {"model_bytes", llama_model_size(model.get())},
          {"parameters", llama_model_n_params(model.get())},
          {"threads", options.number("--threads", 2)},
          {"prompt_tokens", prompt_count},
          {"gen_tokens", generated},
          {"repeat", repeat},
          {"load_ms", load_ms},
          {"exec_to_first_token_ms", first_token_ms},
          {"prefill_tokens_per_s", median(prefill)},
          {"decode_tokens_per_s", median(decode_rates)},
          {"peak_rss_bytes", status_bytes("VmHWM")},
          {"anonymous_rss_bytes", status_bytes("RssAnon")},
          {"system", llama_print_system_info()}};
}
