// bench_adapters MODEL [rank [f32|f16]]: what LoRA adapters on every linear layer add to a decode
// step of 1 and of 16 sequences, beside the same model loaded without any, measured in turns.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/engine/runtime/step.hpp>

#include "timing.hpp"

namespace verge::bench {
namespace {

constexpr int64_t kContext = 64, kSequences = 16, kSlots = 128;
constexpr int kRounds = 9, kSteps = 4;

using model::LanguageModel;
using runtime::Sequence;
using runtime::StepItem;

// An adapter of random values on every matrix of every block; its speed is that of any other.
Status write_adapter(const format::ModelSource& base, const std::string& path, int64_t rank,
                     DType dtype) {
  VERGE_TRY(const std::string_view architecture, base.metadata.get_string("general.architecture"));
  format::Metadata metadata;
  metadata.set("general.architecture", architecture);
  metadata.set("general.type", "adapter");
  metadata.set("adapter.type", "lora");
  metadata.set("adapter.lora.alpha", 1e-3f);
  format::GgufWriter writer(metadata);
  const auto add = [&](const std::string& name, const Shape& shape) {
    return writer.add(name, dtype, shape, [=](const format::ByteSink& sink) -> Status {
      const std::vector<float> values = random_floats(shape.count());
      if (dtype == DType::F32) return sink(std::as_bytes(std::span(values)));
      std::vector<uint16_t> halves(values.size());
      std::ranges::transform(values, halves.begin(), f32_to_f16);
      return sink(std::as_bytes(std::span(halves)));
    });
  };
  for (const format::StoredTensor& tensor : base.tensors()) {
    if (!tensor.name.starts_with("blk.") || tensor.shape.rank() != 2) continue;
    VERGE_RETURN_IF_ERROR(add(tensor.name + ".lora_a", {rank, tensor.shape[1]}));
    VERGE_RETURN_IF_ERROR(add(tensor.name + ".lora_b", {tensor.shape[0], rank}));
  }
  return writer.write(path);
}

Result<std::unique_ptr<LanguageModel>> load(const char* path, ThreadPool& pool,
                                            const std::string& adapter) {
  model::LoadOptions options;
  options.context = kSlots;
  options.max_sequences = kSequences;
  options.kv_tokens = 4 * kSequences * kSlots;  // of as many loads at once
  for (int64_t i = 0; i < kSequences && !adapter.empty(); ++i) {
    options.adapters.push_back({std::to_string(i), adapter});
  }
  return LanguageModel::load(path, options, pool);
}

// Sequence i has adapter i % adapters, or none.
struct Load {
  const char* title;
  LanguageModel* model;
  int64_t adapters;
  std::vector<Sequence> sequences = {};
  std::vector<double> seconds = {};

  Status step() {
    const int32_t token = 1;
    std::vector<StepItem> items;
    for (Sequence& sequence : sequences) {
      const auto i = static_cast<int64_t>(items.size());
      items.push_back({&sequence, std::span(&token, 1), 1,
                       adapters > 0 ? static_cast<int32_t>(i % adapters) : -1});
    }
    return run_step(model->decoder(), items);
  }
};

Status fill(Load& load, int64_t count) {
  const std::vector<int32_t> prompt(static_cast<size_t>(kContext), 5);
  for (int64_t i = 0; i < count; ++i) {
    load.sequences.emplace_back(load.model->decoder());
    const StepItem item{&load.sequences.back(), prompt, 0};
    VERGE_RETURN_IF_ERROR(run_step(load.model->decoder(), std::span(&item, 1)));
  }
  return {};
}

Status measure(std::span<Load> loads, int64_t count) {
  const SystemClock clock;
  for (Load& load : loads) VERGE_RETURN_IF_ERROR(fill(load, count));
  for (int round = 0; round < kRounds; ++round) {
    for (Load& load : loads) {
      for (Sequence& sequence : load.sequences) sequence.truncate(kContext);
      VERGE_RETURN_IF_ERROR(load.step());
      for (int i = 0; i < kSteps; ++i) {
        const double start = clock.seconds();
        VERGE_RETURN_IF_ERROR(load.step());
        load.seconds.push_back(clock.seconds() - start);
      }
    }
  }
  const double base = bench::median(loads[0].seconds);
  for (Load& load : loads) {
    std::printf("%2ld sequences, %-26s %7.2f ms a step, %+5.1f %%\n", static_cast<long>(count),
                load.title, 1e3 * bench::median(load.seconds),
                100 * (bench::median(load.seconds) / base - 1));
    load.sequences.clear();
    load.seconds.clear();
  }
  std::fflush(stdout);
  return {};
}

Status run(int argc, char** argv) {
  const int64_t rank = argc > 2 ? std::atoi(argv[2]) : 16;
  const DType dtype = argc > 3 ? dtype_from_name(argv[3]).value_or(DType::F16) : DType::F16;
  const std::string adapter = std::string(argv[1]) + ".adapter";
  VERGE_TRY(const auto source, format::ModelSource::open(argv[1]));
  VERGE_RETURN_IF_ERROR(write_adapter(source, adapter, rank, dtype));
  ThreadPool pool(2);
  VERGE_TRY(const auto plain, load(argv[1], pool, ""));
  auto adapted = load(argv[1], pool, adapter);
  std::filesystem::remove(adapter);
  if (!adapted) return adapted.error();
  LanguageModel* with = adapted->get();
  std::array<Load, 5> loads = {{{"loaded without adapters", plain.get(), 0},
                                {"with, none in use", with, 0},
                                {"one adapter", with, 1},
                                {"four adapters", with, 4},
                                {"sixteen adapters", with, 16}}};
  VERGE_RETURN_IF_ERROR(measure(std::span(loads).first(3), 1));
  return measure(loads, kSequences);
}

}  // namespace
}  // namespace verge::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: bench_adapters MODEL [rank [f32|f16]]\n", stderr);
    return 2;
  }
  const verge::Status status = verge::bench::run(argc, argv);
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
