#include <map>
#include <ostream>

#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/language_emit.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/network_emit.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/pass_table.hpp>
#include <verge/cli/reference_warning.hpp>
#include <verge/cli/training_compile.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/model/compiled_model.hpp>
#include <verge/engine/runtime/reference_nodes.hpp>

namespace verge::cli::commands {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kPromptTokens = 512;

struct Options {
  ModelOptions model;
  int64_t batch = 0;
  TrainingCompileOptions training;
  EmitOptions emit;
  std::string output;
};

void print(std::string_view name, const runtime::Program& program, const PassTable& passes,
           Context& context) {
  const graph::MemoryPlan& memory = program.memory;
  context.out << fmt::format("{}: {} nodes, arena {} of at least {}, {:.1f} MFLOP a run at most\n",
                             name, program.graph.nodes.size(), show_bytes(memory.arena_bytes),
                             show_bytes(memory.lower_bound_bytes),
                             graph::cost_of(program.graph).flops * 1e-6);
  passes.print(context.out, true);
  context.out << "\n";
}

ordered_json json_of(const runtime::Program& program, const PassTable& passes) {
  return {{"nodes", program.graph.nodes.size()},
          {"arena_bytes", program.memory.arena_bytes},
          {"lower_bound_bytes", program.memory.lower_bound_bytes},
          {"flops", graph::cost_of(program.graph).flops},
          {"reference_nodes", runtime::reference_nodes(program)},
          {"passes", passes.json()}};
}

Status execute(const Options& options, Context& context) {
  VERGE_RETURN_IF_ERROR(options.training.check());
  if (options.training.is_asked) {
    if (options.emit.is_plan()) VERGE_RETURN_IF_ERROR(options.emit.check_target());
    VERGE_TRY(const auto threads, options.model.threads.make_pool());
    VERGE_TRY(const model::LoadOptions load, options.model.load_options());
    return compile_training(options.training, options.emit, options.model.model, options.batch,
                            options.output, load.isa, *threads, context);
  }
  if (!options.emit.is_plan()) {
    if (options.batch > 0) {
      return make_error(Code::InvalidArgument,
                        "--batch is for plans and --train: C runs one token of a language model, "
                        "and as many examples of a network as --shape says");
    }
    if (is_emitted_network(options.model.model)) {
      return emit_network(options.emit, options.model.model, options.output, context);
    }
    return emit_language_model(options.emit, options.model, options.output, context);
  }
  VERGE_RETURN_IF_ERROR(options.emit.check_plan());
  VERGE_TRY(const std::string path, model_path(options.model.model));
  VERGE_TRY(const auto source, format::ModelSource::open(path));
  VERGE_TRY(model::LoadOptions load, options.model.load_options());
  load.max_tokens = options.batch > 0 ? options.batch : kPromptTokens;
  VERGE_TRY(const auto pool, options.model.threads.make_pool());
  std::map<std::string_view, PassTable> passes;
  VERGE_TRY(const runtime::PlanFile plan,
            model::compile_model(
                source, load, pool->size(),
                [&](std::string_view program, std::string_view pass, const graph::Graph& before,
                    const graph::Graph& after) { passes[program].add(pass, before, after); }));
  VERGE_RETURN_IF_ERROR(runtime::write_plan_file(options.output, plan));
  ordered_json json = {{"output", options.output}, {"threads", pool->size()}};
  for (const auto& [name, program] : plan.programs) {
    if (!context.json) print(name, program, passes[name], context);
    warn_of_reference(runtime::reference_nodes(program), context);
    json[name] = json_of(program, passes[name]);
  }
  if (context.json) {
    print_json_line(json, context.out);
  } else {
    context.out << fmt::format("wrote {}: {} threads, {}\n", options.output, pool->size(),
                               kernels::name(load.isa));
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->model.declare(parser);
  parser.add_option("-o,--out", options->output, "The file to write").required();
  options->emit.declare(parser);
  parser
      .add_option(
          "--batch", options->batch,
          "Most tokens of one run over a prompt, 0 for 512; of training, examples of a step (with "
          "--accumulate: of a pass), 0 for one")
      .not_negative();
  options->training.declare(parser);
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command compile() {
  return {
      "compile", "Models", "Compile a model to a plan file, to C or to a program",
      "  verge compile model.gguf -o model.vplan --context 2048\n"
      "  verge run model.gguf --plan model.vplan --context 2048 -p \"Once upon\"\n"
      "  verge compile digits.safetensors --train --scheme auto --memory 2MiB --batch 8 "
      "-o digits.vplan --report digits.html\n"
      "  verge compile digits.safetensors --train --int8 --calibrate pictures --memory 256KiB "
      "-o digits.vplan\n"
      "  verge compile bert.onnx --train --shape input_ids=8x64 --scheme pockengine-bert "
      "--memory 200MiB -o bert.vplan\n"
      "  verge compile prices.onnx --train --batch 32 --loss mse --scheme full -o prices.vplan\n"
      "  verge compile digits.safetensors --emit c -o digits.c\n"
      "  verge compile net.onnx --train --shape x=8x3x64x64 --emit elf --target aarch64 -o "
      "tune-net\n"
      "  verge compile net.onnx --shape x=1x3x64x64 --emit elf --target aarch64 -o net\n"
      "  verge compile model.gguf --context 512 --emit elf --target aarch64 -o story\n"
      "  ./story -p 'Once upon a time' -n 100",
      declare};
}

}  // namespace verge::cli::commands
