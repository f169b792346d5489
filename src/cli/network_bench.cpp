#include <optional>
#include <ostream>

#include <verge/cli/json.hpp>
#include <verge/cli/kernel_times.hpp>
#include <verge/cli/network_bench.hpp>
#include <verge/cli/partition_report.hpp>
#include <verge/cli/profile_table.hpp>
#include <verge/cli/reference_warning.hpp>
#include <verge/core/machine.hpp>
#include <verge/core/rng.hpp>
#include <verge/engine/graph/graph_cost.hpp>
#include <verge/engine/kernels/machine_rates.hpp>
#include <verge/engine/model/classifier.hpp>
#include <verge/engine/model/onnx_network.hpp>

namespace verge::cli {
namespace {

std::string command_of(const ShapeOptions& shapes, const NetworkBenchOptions& options,
                       const BackendOptions& backend, const std::string& model, int threads) {
  std::string command = fmt::format("verge bench {}", model);
  for (const std::string& shape : shapes.shapes) command += fmt::format(" --shape {}", shape);
  for (const std::string& value : shapes.values) command += fmt::format(" --value {}", value);
  if (backend.backend != "cpu") command += fmt::format(" --backend {}", backend.backend);
  if (!backend.memory.empty()) command += fmt::format(" --backend-memory {}", backend.memory);
  return command + fmt::format(" --threads {} --repeat {}", threads, options.repeat);
}

/// What is timed, with what it stands on: one of both.
struct TimedNetwork {
  std::optional<model::OnnxNetwork> onnx = {};
  model::ClassifierPlan classifier = {};

  runtime::Plan& plan() { return onnx ? onnx->plan() : *classifier.plan; }
  graph::PartitionReport partition() const {
    return onnx ? onnx->partition() : graph::PartitionReport();
  }
  std::string backend_failure() const { return onnx ? onnx->backend_failure() : ""; }
};

Result<TimedNetwork> timed_onnx(const std::string& path,
                                std::span<const onnx::InputBinding> bindings, uint64_t seed,
                                ThreadPool& pool, const runtime::PlanOptions& plan) {
  VERGE_TRY(const auto file, format::onnx::Onnx::open(path));
  VERGE_TRY(auto network, model::OnnxNetwork::compile(file, bindings, pool, plan));
  network.fill_inputs(seed);
  return TimedNetwork{.onnx = std::move(network)};
}

// Of its own sizes but for the batch.
Result<TimedNetwork> timed_classifier(const std::string& path,
                                      std::span<const onnx::InputBinding> bindings, uint64_t seed,
                                      ThreadPool& pool, const runtime::PlanOptions& plan) {
  VERGE_TRY(const auto classifier, model::Classifier::open(path));
  if (!plan.backends.empty()) {
    return make_error(Code::InvalidArgument, "{}: --backend is for ONNX networks; {}", path,
                      classifier.has_levels() ? "a classifier of 8-bit levels runs without: leave "
                                                "--backend out"
                                              : "a classifier of f32 is exported by `verge model "
                                                "export --onnx`");
  }
  const nn::CnnConfig& config = classifier.network().config;
  int64_t batch = 1;
  for (const onnx::InputBinding& binding : bindings) {
    const Shape& shape = binding.shape;
    const bool fits = binding.name == "images" && shape.rank() == 4 && shape[0] <= 1 << 16 &&
                      shape == Shape{shape[0], config.channels, config.height, config.width};
    if (!fits) {
      return make_error(Code::InvalidArgument, "{}: give --shape images=BATCHx{}x{}x{}", path,
                        config.channels, config.height, config.width);
    }
    batch = shape[0];
  }
  VERGE_TRY(model::ClassifierPlan running, classifier.compile(batch, pool, plan));
  Rng rng(seed);
  for (float& value : running.plan->input("images").span<float>()) {
    value = static_cast<float>(rng.uniform());
  }
  return TimedNetwork{.classifier = std::move(running)};
}

}  // namespace

bool is_classifier(const std::string& model) {
  return model.ends_with(".safetensors");
}

Status bench_network(const ShapeOptions& shapes, const NetworkBenchOptions& options,
                     bool shows_kernels, const BackendOptions& backend, const ModelOptions& model,
                     Context& context) {
  const SystemClock clock;
  VERGE_TRY(const auto pool, model.threads.make_pool());
  VERGE_TRY(const model::LoadOptions load_options, model.load_options());
  VERGE_TRY(const auto bindings, shapes.read());
  const double begin = clock.seconds();
  KernelTimes kernel_times(kernel_times_path(), *pool, load_options.isa, clock);
  runtime::PlanOptions plan{.isa = load_options.isa, .chooser = &kernel_times.chooser()};
  VERGE_RETURN_IF_ERROR(backend.apply(plan, context));
  const auto open = is_classifier(model.model) ? timed_classifier : timed_onnx;
  VERGE_TRY(TimedNetwork network, open(model.model, bindings, options.seed, *pool, plan));
  kernel_times.keep();
  say_left_out(network.backend_failure(), context);
  const double load_s = clock.seconds() - begin;
  const auto slow = warn_of_reference(network.plan().reference_nodes(), context);
  VERGE_TRY(const serve::NetworkBench bench,
            serve::run_network_bench(network.plan(), clock, {options.repeat, options.profile}));
  const int64_t peak_bytes = peak_rss_bytes();  // before the rates, which need more
  const kernels::MachineRates rates = kernels::measure_rates(*pool, clock, load_options.isa);
  const double gflop = graph::cost_of(network.plan().graph()).flops * 1e-9;
  const std::string command = command_of(shapes, options, backend, model.model, pool->size());
  if (context.json) {
    Json json = {{"model", model.model},
                 {"threads", pool->size()},
                 {"repeat", options.repeat},
                 {"load_s", load_s},
                 {"median_ms", bench.median_s * 1e3},
                 {"least_ms", bench.least_s * 1e3},
                 {"peak_rss_bytes", peak_bytes},
                 {"gflop", gflop},
                 {"machine", {{"f32_gflops", rates.f32_gflops}}},
                 {"reference_nodes", slow},
                 {"partition", partition_json(network.partition())},
                 {"backend_bytes", network.plan().memory().backend_bytes},
                 {"command", command}};
    if (options.profile) json["profile"] = profile_json(bench.profile);
    if (shows_kernels) json["kernels"] = kernel_times_json(kernel_times.chooser());
    print_json_line(json, context.out);
    return {};
  }
  context.out << fmt::format("one run      {:>10.2f} ms         least {:.2f}\n",
                             bench.median_s * 1e3, bench.least_s * 1e3);
  context.out << fmt::format("work         {:>10.2f} GFLOP      {:.0f} GFLOP/s of {:.0f}\n", gflop,
                             gflop / bench.median_s, rates.f32_gflops);
  context.out << fmt::format("load         {:>10.1f} ms\n", load_s * 1e3);
  context.out << fmt::format("peak memory  {:>10.1f} MiB\n",
                             static_cast<double>(peak_bytes) / (1 << 20));
  if (!network.partition().backend.empty()) {
    context.out << "backend      " << partition_summary(network.partition()) << "\n";
  }
  context.out << fmt::format("median of {} runs by: {}\n", options.repeat, command);
  if (options.profile) print_profile("run", bench.profile, context.out);
  if (shows_kernels) print_kernel_times(kernel_times.chooser(), context.out);
  return {};
}

}  // namespace verge::cli
