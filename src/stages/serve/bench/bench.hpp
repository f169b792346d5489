#pragma once
// bench: how fast a loaded model reads a prompt and answers, as medians of repeated runs beside the
// rates the machine reaches in the same minute.

#include <functional>
#include <string>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/kernels/machine_rates.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/engine/runtime/profile.hpp>

namespace verge::serve {

struct BenchOptions {
  int64_t prompt_tokens = 512;
  int64_t gen_tokens = 128;
  int repeat = 3;                          // measured runs, after one that only warms up
  uint64_t seed = 1;                       // of the prompt's random tokens
  kernels::Isa isa = kernels::best_isa();  // of the machine's rates: the model's own
  bool profile = false;
};

struct Bench {
  double prefill_tokens_per_s = 0;
  double decode_tokens_per_s = 0;
  double time_to_first_token_s = 0;  // of a loaded model: the prompt and the first draw
  int64_t peak_rss_bytes = 0;
  kernels::MachineRates rates;
  double decode_bytes_per_token = 0;  // weights and KV that one token must read
  double bandwidth_percent = 0;       // of rates.read_gb_s; above 100 where caches hold the model
  std::vector<runtime::OperatorTime> prefill_profile;  // most time first; empty without `profile`
  std::vector<runtime::OperatorTime> decode_profile;
};

/// Runs `repeat` times: prefill of random tokens, then greedy decode past every end-of-text token.
/// `on_run(done, all)` follows each run. Fails with InvalidArgument for counts below 1 or above the
/// model's context.
Result<Bench> run_bench(model::LanguageModel& model, ThreadPool& pool, const Clock& clock,
                        const BenchOptions& options,
                        const std::function<void(int done, int all)>& on_run = {});

/// Bytes that decoding one token reads: every weight once (of experts: those used; of an embedding
/// that is not the head: one row) and the KV cache of `context` tokens.
double decode_bytes(const format::ModelSource& source, const nn::DecoderConfig& config,
                    DType kv_dtype, int64_t context);

}  // namespace verge::serve
