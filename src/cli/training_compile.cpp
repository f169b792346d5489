#include <algorithm>
#include <ostream>

#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/kernel_times.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/network_options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/pass_table.hpp>
#include <verge/cli/profile_table.hpp>
#include <verge/cli/reference_warning.hpp>
#include <verge/cli/training_compile.hpp>
#include <verge/cli/training_emit.hpp>
#include <verge/cli/training_levels.hpp>
#include <verge/cli/training_shape.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/file.hpp>
#include <verge/core/svg.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/graph/drawing/memory_svg.hpp>
#include <verge/engine/graph/memory_types.hpp>
#include <verge/stages/fit/tune/scheme_file.hpp>
#include <verge/stages/fit/tune/step_budget.hpp>
#include <verge/stages/fit/tune/step_time.hpp>
#include <verge/stages/fit/tune/training_source.hpp>

namespace verge::cli {
namespace {

using nlohmann::ordered_json;

struct Report {
  const fit::TrainingPlan& plan;
  const double full_flops;  // of updating everything; 0: it cannot be updated
  const fit::StepTime& step;
  const PassTable& passes;
  std::string output = {};
  bool is_profiled = false;
  std::string levels = {};                          // the network of levels that is trained
  std::string reason = {};                          // why "auto" chose this scheme
  const runtime::KernelChooser* kernels = nullptr;  // where their times are asked for

  ordered_json json() const {
    const fit::TrainingMemory& memory = plan.memory;
    ordered_json json = {{"output", output},
                         {"network", levels.empty() ? ordered_json() : ordered_json(levels)},
                         {"scheme_by", reason.empty() ? ordered_json() : ordered_json(reason)},
                         {"parameters", plan.settings.parameters},
                         {"optimizer", graph::describe(plan.settings.optimizer)},
                         {"batch", plan.settings.shape.batch},
                         {"accumulate", plan.settings.accumulate},
                         {"memory",
                          {{"arena_bytes", memory.arena_bytes},
                           {"lower_bound_bytes", memory.lower_bound_bytes},
                           {"unshared_bytes", memory.unshared_bytes},
                           {"state_bytes", memory.state_bytes},
                           {"parameter_bytes", memory.parameter_bytes},
                           {"io_bytes", memory.io_bytes},
                           {"packed_bytes", memory.packed_bytes},
                           {"frozen_bytes", memory.frozen_bytes},
                           {"total_bytes", memory.total()},
                           {"peak_node", memory.peak_node},
                           {"peak_tensor", memory.peak_value},
                           {"peak_types", memory.peak_types},
                           {"most_f32_bytes", memory.most_f32_bytes}}},
                         {"flops",
                          {{"forward", plan.work.forward_flops},
                           {"backward", plan.work.backward_flops},
                           {"update", plan.work.update_flops},
                           {"full", full_flops > 0 ? ordered_json(full_flops) : ordered_json()}}},
                         {"recomputed_values", plan.recomputed},
                         {"step_ms", step.ms},
                         {"profile", profile_json(step.profile)},
                         {"overhead", step.overhead()},
                         {"threads", plan.step.threads},
                         {"isa", kernels::name(plan.step.isa)},
                         {"reference_nodes", fit::reference_nodes(plan)},
                         {"passes", passes.json()}};
    if (kernels != nullptr) json["kernels"] = kernel_times_json(*kernels);
    return json;
  }

  void print(std::ostream& out) const {
    const fit::TrainingMemory& memory = plan.memory;
    if (!reason.empty()) out << fmt::format("scheme      auto: {}\n", reason);
    out << fmt::format("updates     {} parameters by {}\n", show_count(plan.settings.parameters),
                       graph::describe(plan.settings.optimizer));
    out << fmt::format(
        "memory      {}: arena {} of at least {}, optimizer {}, updated parameters "
        "{}, inputs {}, packed weights {}, f32 copies {}\n",
        show_bytes(memory.total()), show_bytes(memory.arena_bytes),
        show_bytes(memory.lower_bound_bytes), show_bytes(memory.state_bytes),
        show_bytes(memory.parameter_bytes), show_bytes(memory.io_bytes),
        show_bytes(memory.packed_bytes), show_bytes(memory.frozen_bytes));
    out << fmt::format("peak        at {}, largest there {}\n", memory.peak_node,
                       memory.peak_value);
    out << fmt::format("types       at the peak {}; most f32 at once {}\n",
                       graph::show_types(memory.peak_types), show_bytes(memory.most_f32_bytes));
    out << fmt::format("work        {:.3f} MFLOP forward, {:.3f} backward, {:.3f} update{}\n",
                       plan.work.forward_flops * 1e-6, plan.work.backward_flops * 1e-6,
                       plan.work.update_flops * 1e-6,
                       full_flops > 0
                           ? fmt::format("; updating everything {:.3f}, {:.0f} %",
                                         full_flops * 1e-6, 100 * plan.work.total() / full_flops)
                           : "");
    if (plan.recomputed > 0) {
      out << fmt::format("recompute   {} values twice, to stay below --memory\n", plan.recomputed);
    }
    const int64_t accumulated = plan.settings.accumulate;
    out << fmt::format(
        "step        {:.3f} ms here, on {} threads{}\n\n", step.ms, plan.step.threads,
        accumulated == 1 ? "" : fmt::format(", of {} passes and an update", accumulated));
    passes.print(out, true);
    if (is_profiled) {
      print_profile("step", step.profile, out);
      out << fmt::format("overhead    {:.2f} % of that step is in no node\n",
                         100 * step.overhead());
    }
    if (kernels != nullptr) print_kernel_times(*kernels, out);
  }
};

Status check_emitted(const TrainingCompileOptions& options, const EmitOptions& emit) {
  if (emit.is_plan()) return {};
  const std::string_view of_plan = options.profile           ? "--profile"
                                   : options.kernels         ? "--kernels"
                                   : !options.report.empty() ? "--report"
                                                             : "";
  if (!of_plan.empty()) {
    return make_error(Code::InvalidArgument, "{} is of a plan; leave it out, or --emit {}", of_plan,
                      emit.emit);
  }
  if (options.accumulate > 1) {
    return make_error(Code::Unsupported,
                      "--accumulate {}: a step of several passes has no C yet; emit a plan",
                      options.accumulate);
  }
  if (!options.is_int8) return {};
  return make_error(Code::Unsupported,
                    "a step in 8 bits has no C yet; leave --int8 out, or emit a plan");
}

Result<graph::OptimizerSpec> optimizer_of(const TrainingCompileOptions& options,
                                          const fit::BaseModel& base) {
  const bool has_levels = base.kind == fit::BaseKind::Levels;
  if (!has_levels && (options.keeps_remainders || options.is_unscaled)) {
    return make_error(Code::InvalidArgument,
                      "--remainders and --unscaled are of training in 8 bits; add --int8");
  }
  graph::OptimizerSpec spec = options.spec;
  OptimizerOptions optimizer = options.optimizer;
  if (optimizer.name.empty()) optimizer.name = has_levels ? "sgd" : "adamw";
  VERGE_RETURN_IF_ERROR(optimizer.apply(spec));
  // Levels decay under plain descent alone: elsewhere not by default.
  const bool is_plain = spec.kind == graph::OptimizerKind::Sgd && spec.momentum == 0;
  const double usual = TrainingCompileOptions().spec.weight_decay;
  if (has_levels && !is_plain && spec.weight_decay == usual) spec.weight_decay = 0;
  spec.level_scaling = !options.is_unscaled;
  spec.remainders = options.keeps_remainders;
  return spec;
}

std::string html_of(const Report& report) {
  return fmt::format(
      "<!doctype html><meta charset=utf-8><title>Training plan</title><h1>{}</h1><pre>{}</pre>{}\n",
      escaped(report.output),
      escaped(report.json().dump(2, ' ', false, ordered_json::error_handler_t::replace)),
      graph::draw_memory(report.plan.step.graph, report.plan.step.memory));
}

Status write_report(const Report& report, const std::string& path) {
  if (path.empty()) return {};
  const bool is_svg = path.ends_with(".svg");
  return write_whole_file(
      path, is_svg ? graph::draw_memory(report.plan.step.graph, report.plan.step.memory)
                   : html_of(report));
}

}  // namespace

void TrainingCompileOptions::declare(Parser& parser) {
  constexpr const char* kGroup = "Training";
  parser.add_flag("--train", is_asked, "A training step instead of inference").group(kGroup);
  parser
      .add_option(
          "--scheme", scheme,
          "What is updated: auto (the best below --memory), full, bias, head, last:K, lora:R, a "
          "named scheme or a JSON file")
      .group(kGroup);
  parser
      .add_option("--family", family,
                  "Of tasks, as of `fit scheme`, whose measured contributions auto goes by")
      .group(kGroup);
  parser
      .add_option("--memory", memory, "Most that a step may take beside the model's file, as 2MiB")
      .group(kGroup);
  parser
      .add_flag("--int8", is_int8,
                "Train in 8 bits: weights and activations i8, biases i32. Makes of an f32 "
                "classifier a network of levels first, which needs --calibrate")
      .group(kGroup);
  parser
      .add_option("--calibrate", calibrate,
                  "Pictures, as `fit tune` takes, whose activations say what a level is worth")
      .group(kGroup);
  parser.add_option("--method", method, "Of --calibrate: how a range is found")
      .one_of({"entropy", "percentile", "minmax"})
      .group(kGroup);
  parser
      .add_option("--int8-out", int8_out,
                  "The network of levels to write (the plan's name with .int8.safetensors)")
      .group(kGroup);
  parser
      .add_flag("--remainders", keeps_remainders,
                "Of --int8: i8 weights keep what rounding an update took, one byte each")
      .group(kGroup);
  parser
      .add_flag("--unscaled", is_unscaled,
                "Of --int8: plain descent by levels, without Quantization-Aware Scaling")
      .group(kGroup);
  parser
      .add_option("--loss", loss,
                  "ce: cross-entropy over the last axis of the output; mse: squared error, of an "
                  "ONNX network")
      .one_of({"ce", "mse"})
      .group(kGroup);
  parser
      .add_option("--output", output_name,
                  "Of an ONNX network: the output that the loss is behind (the first)")
      .group(kGroup);
  parser.add_option("--tokens", tokens, "Of each window of text").positive().group(kGroup);
  parser.add_option("--report", report, "Report to write: .html, or .svg of the memory alone")
      .group(kGroup);
  parser.add_option("--save-scheme", save_scheme, "The scheme as a JSON file to write")
      .group(kGroup);
  parser.add_flag("--profile", profile, "Time of a step by operator").group(kGroup);
  parser
      .add_flag("--kernels", kernels,
                "How fast each way to run a convolution or a gradient of one is here")
      .group(kGroup);
  parser.add_option("--precision", precision, "Of matrix products in a step")
      .one_of({"f32", "bf16"})
      .group(kGroup);
  parser.add_option("--without", without, "Passes to leave out").separated_by(',').group(kGroup);
  optimizer.declare(parser, spec, accumulate);
}

Status TrainingCompileOptions::check() const {
  if (is_asked) {
    VERGE_RETURN_IF_ERROR(check_family(family));
    if (is_int8 && precision != "f32") {
      return make_error(Code::InvalidArgument,
                        "--int8 has products of levels; leave --precision out");
    }
    if (kernels && std::ranges::find(without, fit::kTimeKernels) != without.end()) {
      return make_error(Code::InvalidArgument,
                        "--kernels shows how fast kernels are, which --without time_kernels does "
                        "not measure; leave one of them out");
    }
    const bool has_int8_option =
        !calibrate.empty() || !int8_out.empty() || method != TrainingCompileOptions().method;
    if (has_int8_option && !is_int8) {
      return make_error(
          Code::InvalidArgument,
          "--calibrate, --method and --int8-out are of training in 8 bits; add --int8");
    }
    return {};
  }
  const TrainingCompileOptions usual;
  const std::pair<const char*, bool> given[] = {
      {"--scheme", scheme != usual.scheme},
      {"--loss", loss != usual.loss},
      {"--output", !output_name.empty()},
      {"--memory", !memory.empty()},
      {"--report", !report.empty()},
      {"--save-scheme", !save_scheme.empty()},
      {"--tokens", tokens != usual.tokens},
      {"--profile", profile},
      {"--kernels", kernels},
      {"--precision", precision != usual.precision},
      {"--family", family != usual.family},
      {"--int8", is_int8},
      {"--calibrate", !calibrate.empty()},
      {"--method", method != usual.method},
      {"--int8-out", !int8_out.empty()},
      {"--remainders", keeps_remainders},
      {"--unscaled", is_unscaled},
      {"--without", !without.empty()},
      {"--optimizer", optimizer.name != usual.optimizer.name},
      {"--momentum", optimizer.momentum != usual.optimizer.momentum},
      {"--weight-decay", spec.weight_decay != usual.spec.weight_decay},
      {"--accumulate", accumulate != usual.accumulate},
      {"--clip-grad", spec.global_norm != usual.spec.global_norm},
      {"--clip-each", spec.max_norm != usual.spec.max_norm}};
  for (const auto& [option, is_given] : given) {
    if (is_given)
      return make_error(Code::InvalidArgument, "{} is of training; add --train", option);
  }
  return {};
}

Status compile_training(const TrainingCompileOptions& options, const EmitOptions& emit,
                        const std::string& model, int64_t batch, const std::string& output,
                        kernels::Isa isa, ThreadPool& pool, Context& context) {
  VERGE_RETURN_IF_ERROR(check_emitted(options, emit));
  fit::PlanOptions plan_options;
  plan_options.isa = isa;
  plan_options.accumulate = options.accumulate;
  plan_options.bf16 = options.precision == "bf16";
  plan_options.disabled_passes = options.without;
  if (!emit.is_plan()) {
    if (const auto name = source_name(emit, output); !name) return name.error();
    for (std::string& pass : fit::passes_without_training_c()) {
      plan_options.disabled_passes.push_back(std::move(pass));
    }
  }
  VERGE_TRY(plan_options.memory_bytes, size_option("--memory", options.memory));
  const bool is_file = model.ends_with(".safetensors") || is_network(model);
  VERGE_TRY(std::string path, is_file ? Result<std::string>(model) : model_path(model));
  VERGE_RETURN_IF_ERROR(expect_other_file(path, output));
  const fit::BaseShape asked{.batch = batch,
                             .tokens = options.tokens,
                             .output = options.output_name,
                             .squared_error = options.loss == "mse"};
  VERGE_TRY(plan_options.shape, training_shape(path, asked, emit.shapes));
  if (options.is_int8) {
    VERGE_TRY(path, network_of_levels(options, path, output, plan_options.shape, pool));
  }
  VERGE_TRY(const fit::BaseModel base, fit::open_base_model(path, plan_options.shape));
  VERGE_TRY(plan_options.optimizer, optimizer_of(options, base));
  VERGE_TRY(const ChosenScheme chosen,
            choose_scheme(base, options.scheme, options.family, plan_options, pool, context));
  const SystemClock clock;
  KernelTimes kernel_times(kernel_times_path(), pool, isa, clock);
  if (emit.is_plan()) plan_options.chooser = &kernel_times.chooser();
  PassTable passes;
  plan_options.observe = [&](std::string_view pass, const graph::Graph& before,
                             const graph::Graph& after) { passes.add(pass, before, after); };
  VERGE_TRY(const fit::TrainingPlan plan,
            fit::compile_training(base, chosen.plan.settings.scheme, plan_options, pool.size()));
  kernel_times.keep();
  if (emit.is_plan()) VERGE_RETURN_IF_ERROR(fit::write_training_plan(output, plan));
  if (!options.save_scheme.empty()) {
    VERGE_RETURN_IF_ERROR(
        write_whole_file(options.save_scheme,
                         fit::print_scheme({.model = base.hash, .scheme = plan.settings.scheme})));
  }
  if (!emit.is_plan()) return emit_training(emit, base, plan, output, context);
  const auto full = fit::full_work(base, plan_options, pool.size());
  VERGE_TRY(const fit::StepTime step, fit::time_step(base, plan, pool, clock));
  const Report report{plan,
                      full ? full->total() : 0,
                      step,
                      passes,
                      output,
                      options.profile,
                      base.kind == fit::BaseKind::Levels ? path : "",
                      chosen.reason,
                      options.kernels ? &kernel_times.chooser() : nullptr};
  warn_of_reference(fit::reference_nodes(plan), context);
  if (context.json) {
    print_json_line(report.json(), context.out);
  } else {
    report.print(context.out);
    context.out << "\nwrote " << output << "\n";
    if (!report.levels.empty()) context.out << "trains " << report.levels << "\n";
  }
  return write_report(report, options.report);
}

}  // namespace verge::cli
