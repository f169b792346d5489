#include <algorithm>

#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/memory_report.hpp>
#include <verge/cli/network_bench.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/profile_table.hpp>
#include <verge/cli/progress.hpp>
#include <verge/cli/reference_warning.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/machine.hpp>
#include <verge/engine/runtime/reference_nodes.hpp>
#include <verge/stages/serve/bench/bench.hpp>

namespace verge::cli::commands {
namespace {

using nlohmann::ordered_json;

struct Options {
  ModelOptions model;
  serve::BenchOptions bench;
  ShapeOptions shapes;
  BackendOptions backend;
  bool kernels = false;
};

struct Report {
  const Options& options;
  const serve::Bench& bench;
  const model::LanguageModel& model;
  double load_s;
  int threads;
  const std::vector<std::string>& reference_nodes;

  std::string command() const {
    return fmt::format(
        "verge bench {} --prompt-tokens {} --gen-tokens {} --threads {} --repeat {}{}",
        options.model.model, options.bench.prompt_tokens, options.bench.gen_tokens, threads,
        options.bench.repeat, options.model.memory.empty() ? "" : " --mem " + options.model.memory);
  }
  std::string machine() const {
    const kernels::MachineRates& rates = bench.rates;
    return fmt::format(
        "{} of {} cores, {}: {:.1f} GB/s read, {:.0f} f32 GFLOP/s, {:.0f} bf16 GFLOP/s, "
        "{:.0f} int8 GOP/s",
        threads, available_cores(), kernels::name(options.bench.isa), rates.read_gb_s,
        rates.f32_gflops, rates.bf16_gflops, rates.int8_gops);
  }
};

void print_json(const Report& report, std::ostream& out) {
  const serve::Bench& bench = report.bench;
  ordered_json json = {{"model", report.options.model.model},
                       {"prompt_tokens", report.options.bench.prompt_tokens},
                       {"gen_tokens", report.options.bench.gen_tokens},
                       {"threads", report.threads},
                       {"repeat", report.options.bench.repeat},
                       {"load_s", report.load_s},
                       {"time_to_first_token_s", bench.time_to_first_token_s},
                       {"prefill_tokens_per_s", bench.prefill_tokens_per_s},
                       {"decode_tokens_per_s", bench.decode_tokens_per_s},
                       {"peak_rss_bytes", bench.peak_rss_bytes},
                       {"decode_bytes_per_token", bench.decode_bytes_per_token},
                       {"bandwidth_percent", bench.bandwidth_percent},
                       {"machine",
                        {{"isa", kernels::name(report.options.bench.isa)},
                         {"cores", available_cores()},
                         {"read_gb_s", bench.rates.read_gb_s},
                         {"f32_gflops", bench.rates.f32_gflops},
                         {"bf16_gflops", bench.rates.bf16_gflops},
                         {"int8_gops", bench.rates.int8_gops}}},
                       {"reference_nodes", report.reference_nodes},
                       {"command", report.command()}};
  if (report.options.bench.profile) {
    json["prefill_profile"] = profile_json(bench.prefill_profile);
    json["decode_profile"] = profile_json(bench.decode_profile);
  }
  add_stream(report.model, json);
  print_json_line(json, out);
}

void print_text(const Report& report, std::ostream& out) {
  const serve::Bench& bench = report.bench;
  const serve::BenchOptions& options = report.options.bench;
  out << fmt::format("prefill      {:>10.1f} tokens/s   {} tokens\n", bench.prefill_tokens_per_s,
                     options.prompt_tokens);
  out << fmt::format(
      "decode       {:>10.1f} tokens/s   {} tokens, {:.1f} MB each: {:.0f}% of the "
      "memory bandwidth\n",
      bench.decode_tokens_per_s, options.gen_tokens, bench.decode_bytes_per_token * 1e-6,
      bench.bandwidth_percent);
  out << fmt::format("first token  {:>10.1f} ms         of a loaded model\n",
                     bench.time_to_first_token_s * 1e3);
  out << fmt::format("load         {:>10.1f} ms\n", report.load_s * 1e3);
  out << fmt::format("peak memory  {:>10.1f} MiB\n",
                     static_cast<double>(bench.peak_rss_bytes) / (1 << 20));
  if (const std::string line = stream_summary(report.model); !line.empty()) {
    out << "weights      " << line << "\n";
  }
  out << "machine      " << report.machine() << "\n";
  out << "medians of " << options.repeat << " runs by: " << report.command() << "\n";
  if (!options.profile) return;
  print_profile("prefill", bench.prefill_profile, out);
  print_profile("decode", bench.decode_profile, out);
}

Status execute(Options options, Context& context) {
  if (is_network(options.model.model) || is_classifier(options.model.model)) {
    return bench_network(options.shapes,
                         {.repeat = options.bench.repeat,
                          .profile = options.bench.profile,
                          .seed = options.bench.seed},
                         options.kernels, options.backend, options.model, context);
  }
  VERGE_RETURN_IF_ERROR(options.backend.refuse_language_model(options.model.model, context));
  const SystemClock clock;
  VERGE_TRY(const auto pool, options.model.threads.make_pool());
  VERGE_TRY(const model::LoadOptions load_options, options.model.load_options());
  options.bench.isa = load_options.isa;
  if (options.model.context == 0) {
    options.model.context = options.bench.prompt_tokens + options.bench.gen_tokens;
  }
  const double begin = clock.seconds();
  VERGE_TRY(const auto model, options.model.load(*pool));
  const auto slow = warn_of_reference(runtime::reference_nodes(model->decoder()), context);
  const double load_s = clock.seconds() - begin;
  Progress progress(context, clock);
  const auto show = [&](int done, int all) {
    progress.show(fmt::format("{} of {} runs done", done, all));
  };
  VERGE_TRY(const serve::Bench bench, serve::run_bench(*model, *pool, clock, options.bench, show));
  progress.clear();
  const Report report{options, bench, *model, load_s, pool->size(), slow};
  if (context.json) {
    print_json(report, context.out);
  } else {
    print_text(report, context.out);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->model.declare(parser);
  options->model.declare_memory(parser);
  const auto add = [&](const char* name, auto& value, const char* text) {
    parser.add_option(name, value, text);
  };
  add("--prompt-tokens", options->bench.prompt_tokens, "Tokens of the random prompt");
  add("--gen-tokens", options->bench.gen_tokens, "Tokens to answer, past any end of text");
  add("--repeat", options->bench.repeat, "Measured runs, after one to warm up");
  add("--seed", options->bench.seed, "Seed of the prompt");
  parser.add_flag("--profile", options->bench.profile, "Add the time by operator, of one more run");
  options->shapes.declare(parser);
  options->backend.declare(parser);
  parser.add_flag("--kernels", options->kernels,
                  "Of an ONNX network: add how fast each way to run its convolutions is here");
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command bench() {
  return {"bench", "Everyday", "Measure how fast a model answers on this machine",
          "  verge bench model.gguf --prompt-tokens 512 --gen-tokens 128 --repeat 5\n"
          "  verge bench model.gguf --threads 1 --profile --json\n"
          "  verge bench net.onnx --shape x=1x3x48x320 --threads 2 --repeat 20\n"
          "  verge bench digits.int8.safetensors --shape images=8x1x28x28\n"
          "  verge bench net.onnx --shape x=1x3x224x224 --backend auto --kernels",
          declare};
}

}  // namespace verge::cli::commands
