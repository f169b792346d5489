#include <algorithm>

#include <verge/core/machine.hpp>
#include <verge/core/rng.hpp>
#include <verge/stages/serve/bench/bench.hpp>

namespace verge::serve {
namespace {

struct Run {
  double prefill_s = 0;
  double first_token_s = 0;
  double decode_s = 0;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

int32_t likeliest(std::span<const float> logits) {
  return static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
}

// Ordinary tokens only: control tokens are rare in prompts.
std::vector<int32_t> random_prompt(const text::Tokenizer& tokenizer, const BenchOptions& options) {
  std::vector<int32_t> ordinary;
  for (int32_t token = 0; token < tokenizer.size(); ++token) {
    if (!tokenizer.is_special(token) && !tokenizer.is_end(token)) ordinary.push_back(token);
  }
  VERGE_CHECK(!ordinary.empty(), tokenizer.size());
  Rng rng(options.seed);
  std::vector<int32_t> prompt(static_cast<size_t>(options.prompt_tokens));
  for (int32_t& token : prompt) token = ordinary[rng.below(static_cast<uint32_t>(ordinary.size()))];
  return prompt;
}

Status check(const BenchOptions& options, int64_t context) {
  if (options.prompt_tokens < 1 || options.gen_tokens < 1 || options.repeat < 1) {
    return make_error(Code::InvalidArgument,
                      "{} prompt tokens, {} generated tokens and {} runs; give at least 1 of each",
                      options.prompt_tokens, options.gen_tokens, options.repeat);
  }
  if (options.prompt_tokens > context - options.gen_tokens) {
    return make_error(Code::InvalidArgument,
                      "{} prompt and {} generated tokens do not fit in the context of {}; give a "
                      "larger --context",
                      options.prompt_tokens, options.gen_tokens, context);
  }
  return {};
}

Result<Run> run_once(model::LanguageModel& model, std::span<const int32_t> prompt,
                     int64_t gen_tokens, const Clock& clock) {
  runtime::Session session = model.session();
  Run run;
  const double begin = clock.seconds();
  VERGE_RETURN_IF_ERROR(session.append(prompt));
  run.prefill_s = clock.seconds() - begin;
  int32_t token = likeliest(session.logits());
  const double first = clock.seconds();
  run.first_token_s = first - begin;
  for (int64_t i = 0; i < gen_tokens; ++i) {
    VERGE_RETURN_IF_ERROR(session.append(std::span(&token, 1)));
    token = likeliest(session.logits());
  }
  run.decode_s = clock.seconds() - first;
  return run;
}

Status add_profile(model::LanguageModel& model, std::span<const int32_t> prompt,
                   const BenchOptions& options, const Clock& clock, Bench& bench) {
  runtime::Decoder& decoder = model.decoder();
  decoder.prefill.start_profile();
  decoder.decode.start_profile();
  VERGE_TRY([[maybe_unused]] const Run run, run_once(model, prompt, options.gen_tokens, clock));
  bench.prefill_profile = runtime::by_operator(decoder.prefill.profile());
  bench.decode_profile = runtime::by_operator(decoder.decode.profile());
  return {};
}

DType kv_dtype(const runtime::Decoder& decoder) {
  return decoder.states.all().begin()->second.dtype;
}

}  // namespace

double decode_bytes(const format::ModelSource& source, const nn::DecoderConfig& config,
                    DType kv_dtype, int64_t context) {
  const bool tied = source.find("output.weight") == nullptr;
  double bytes = 0;
  for (const format::StoredTensor& tensor : source.tensors()) {
    auto part = static_cast<double>(tensor.bytes.size());
    if (tensor.name == "token_embd.weight" && !tied) {
      part /= static_cast<double>(tensor.shape[0]);
    }
    if (tensor.name.find("_exps.") != std::string::npos) {
      part *=
          static_cast<double>(config.moe.experts_used) / static_cast<double>(config.moe.experts);
    }
    bytes += part;
  }
  const int64_t values = config.layers * 2 * config.kv_heads * config.head_dim * context;
  return bytes + static_cast<double>(bytes_of(kv_dtype, values));
}

Result<Bench> run_bench(model::LanguageModel& model, ThreadPool& pool, const Clock& clock,
                        const BenchOptions& options,
                        const std::function<void(int done, int all)>& on_run) {
  VERGE_RETURN_IF_ERROR(check(options, model.decoder().context));
  const std::vector<int32_t> prompt = random_prompt(model.tokenizer(), options);
  std::vector<double> prefill, first_token, decode;
  for (int i = 0; i <= options.repeat; ++i) {
    VERGE_TRY(const Run run, run_once(model, prompt, options.gen_tokens, clock));
    if (on_run) on_run(i, options.repeat);
    if (i == 0) continue;
    prefill.push_back(static_cast<double>(options.prompt_tokens) / run.prefill_s);
    first_token.push_back(run.first_token_s);
    decode.push_back(static_cast<double>(options.gen_tokens) / run.decode_s);
  }
  Bench bench;
  bench.prefill_tokens_per_s = median(prefill);
  bench.time_to_first_token_s = median(first_token);
  bench.decode_tokens_per_s = median(decode);
  bench.peak_rss_bytes = peak_rss_bytes();  // before the rates, which take memory of their own
  bench.rates = kernels::measure_rates(pool, clock, options.isa);
  bench.decode_bytes_per_token =
      decode_bytes(model.source(), model.config(), kv_dtype(model.decoder()),
                   options.prompt_tokens + options.gen_tokens / 2);
  if (bench.rates.read_gb_s > 0) {
    bench.bandwidth_percent = 100 * bench.decode_bytes_per_token * bench.decode_tokens_per_s /
                              (bench.rates.read_gb_s * 1e9);
  }
  if (options.profile) {
    VERGE_RETURN_IF_ERROR(add_profile(model, prompt, options, clock, bench));
  }
  return bench;
}

}  // namespace verge::serve
