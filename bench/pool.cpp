// bench_pool MODEL [threads]: what the thread pool adds to a decode step: the time of a run that
// meets at as many barriers and does nothing else, as a share of a step at a context of 200.

#include <cstdio>
#include <cstdlib>

#include <verge/engine/model/language_model.hpp>
#include <verge/engine/runtime/step.hpp>

#include "timing.hpp"

namespace verge::bench {
namespace {

constexpr int64_t kContext = 200;
constexpr int kRuns = 50;

Status measure(const std::string& path, int threads) {
  ThreadPool pool(threads);
  VERGE_TRY(const auto model, model::LanguageModel::load(path, {.context = 1024}, pool));
  runtime::Decoder& decoder = model->decoder();
  runtime::Sequence sequence(decoder);
  const std::vector<int32_t> prompt(kContext, 1);
  const runtime::StepItem fill{&sequence, prompt, 0};
  VERGE_RETURN_IF_ERROR(run_step(decoder, std::span(&fill, 1)));
  Status status;
  const double step_s = median_seconds([&] {
    for (int i = 0; i < kRuns && status; ++i) {
      const runtime::StepItem next{&sequence, std::span(prompt).first(1)};
      status = run_step(decoder, std::span(&next, 1));
    }
  });
  VERGE_RETURN_IF_ERROR(status);
  const size_t barriers = decoder.decode.profile().size();
  const double pool_s = median_seconds([&] {
    for (int i = 0; i < kRuns; ++i) {
      pool.run([&](Worker& worker) {
        for (size_t barrier = 0; barrier < barriers; ++barrier) worker.sync();
      });
    }
  });
  std::printf("step %.1f us, %zu barriers %.1f us: %.1f %%\n", 1e6 * step_s / kRuns, barriers,
              1e6 * pool_s / kRuns, 100 * pool_s / step_s);
  return {};
}

}  // namespace
}  // namespace verge::bench

int main(int argc, char** argv) {
  if (argc < 2) return std::puts("bench_pool MODEL [threads]"), 2;
  const verge::Status status = verge::bench::measure(argv[1], argc > 2 ? std::atoi(argv[2]) : 2);
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
