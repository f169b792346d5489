// bench_streams MODEL [threads [sequences ...]]: tokens a second of many sequences that each decode
// one token a step, at a context of 200, and where the time of a step goes.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <verge/engine/model/language_model.hpp>
#include <verge/engine/runtime/profile.hpp>
#include <verge/engine/runtime/step.hpp>

#include "timing.hpp"

namespace verge::bench {
namespace {

constexpr int64_t kContext = 200, kMostSequences = 64, kPages = 8;
constexpr int kWarmUp = 2, kSteps = 15;

using runtime::Sequence;
using runtime::StepItem;

std::vector<int32_t> random_tokens(int64_t count, int64_t vocab) {
  Rng rng(1);
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<int32_t>(rng.below(static_cast<uint32_t>(vocab))));
  }
  return tokens;
}

Status run_once(runtime::Decoder& decoder, std::vector<Sequence>& sequences, int32_t token) {
  std::vector<StepItem> items;
  for (Sequence& sequence : sequences) items.push_back({&sequence, std::span(&token, 1)});
  return run_step(decoder, items);
}

void print_profile(const runtime::Plan& plan) {
  double total = 0;
  const auto operators = runtime::by_operator(plan.profile());
  for (const auto& entry : operators) total += entry.seconds;
  for (const auto& entry : operators) {
    if (entry.seconds < 0.01 * total) continue;
    std::printf("  %-16s %4d %6.2f ms %3.0f%%\n", entry.op.c_str(), entry.nodes,
                1e3 * entry.seconds / kSteps, 100 * entry.seconds / total);
  }
}

Status measure(runtime::Decoder& decoder, int64_t count) {
  std::vector<Sequence> sequences;
  const std::vector<int32_t> prompt = random_tokens(kContext, decoder.vocab);
  for (int64_t i = 0; i < count; ++i) {
    sequences.emplace_back(decoder);
    const StepItem item{&sequences.back(), prompt, 0};
    VERGE_RETURN_IF_ERROR(run_step(decoder, std::span(&item, 1)));
  }
  for (int i = 0; i < kWarmUp; ++i) VERGE_RETURN_IF_ERROR(run_once(decoder, sequences, 1));
  runtime::Plan& plan = count == 1 ? decoder.decode : decoder.prefill;
  plan.start_profile();
  const SystemClock clock;
  std::vector<double> seconds;
  for (int i = 0; i < kSteps; ++i) {
    const double start = clock.seconds();
    VERGE_RETURN_IF_ERROR(run_once(decoder, sequences, 1));
    seconds.push_back(clock.seconds() - start);
  }
  const double median = bench::median(seconds);
  std::printf("%3ld sequences: %7.2f ms a step, %7.1f tokens/s\n", static_cast<long>(count),
              1e3 * median, static_cast<double>(count) / median);
  print_profile(plan);
  std::fflush(stdout);
  return {};
}

Status run(int argc, char** argv) {
  ThreadPool pool(argc > 2 ? std::atoi(argv[2]) : 2);
  model::LoadOptions options;
  options.context = kPages * 32;
  options.max_sequences = kMostSequences;
  options.kv_tokens = kMostSequences * options.context;
  VERGE_TRY(const auto model, model::LanguageModel::load(argv[1], options, pool));
  std::vector<int64_t> counts;
  for (int i = 3; i < argc; ++i) counts.push_back(std::min<int64_t>(std::atoi(argv[i]), 64));
  if (counts.empty()) counts = {1, 2, 4, 8, 16, 32, 64};
  for (const int64_t count : counts) VERGE_RETURN_IF_ERROR(measure(model->decoder(), count));
  return {};
}

}  // namespace
}  // namespace verge::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: bench_streams MODEL [threads [sequences ...]]\n", stderr);
    return 2;
  }
  const verge::Status status = verge::bench::run(argc, argv);
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
