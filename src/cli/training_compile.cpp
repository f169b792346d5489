#include <algorithm>
#include <ostream>

#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/network_options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/pass_table.hpp>
#include <verge/cli/reference_warning.hpp>
#include <verge/cli/training_compile.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/file.hpp>
#include <verge/core/svg.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/graph/drawing/memory_svg.hpp>
#include <verge/engine/runtime/reference_nodes.hpp>
#include <verge/stages/fit/tune/scheme_choice.hpp>
#include <verge/stages/fit/tune/scheme_file.hpp>
#include <verge/stages/fit/tune/step_time.hpp>

namespace verge::cli {
namespace {

using nlohmann::ordered_json;

Status write_text(const std::string& path, std::string_view text) {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  VERGE_RETURN_IF_ERROR(file.write(text));
  return file.commit();
}

struct Report {
  const fit::TrainingPlan& plan;
  const double full_flops;  // of updating everything; 0: it cannot be updated
  double step_ms = 0;
  const PassTable& passes;
  std::string output = {};

  ordered_json json() const {
    const fit::TrainingMemory& memory = plan.memory;
    return {{"output", output},
            {"parameters", plan.settings.parameters},
            {"optimizer", graph::describe(plan.settings.optimizer)},
            {"memory",
             {{"arena_bytes", memory.arena_bytes},
              {"lower_bound_bytes", memory.lower_bound_bytes},
              {"state_bytes", memory.state_bytes},
              {"parameter_bytes", memory.parameter_bytes},
              {"io_bytes", memory.io_bytes},
              {"packed_bytes", memory.packed_bytes},
              {"frozen_bytes", memory.frozen_bytes},
              {"total_bytes", memory.total()},
              {"peak_node", memory.peak_node},
              {"peak_tensor", memory.peak_value}}},
            {"flops",
             {{"forward", plan.work.forward_flops},
              {"backward", plan.work.backward_flops},
              {"update", plan.work.update_flops},
              {"full", full_flops > 0 ? ordered_json(full_flops) : ordered_json()}}},
            {"recomputed_values", plan.recomputed},
            {"step_ms", step_ms},
            {"threads", plan.step.threads},
            {"reference_nodes", runtime::reference_nodes(plan.step)},
            {"passes", passes.json()}};
  }

  void print(std::ostream& out) const {
    const fit::TrainingMemory& memory = plan.memory;
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
    out << fmt::format("step        {:.3f} ms here, on {} threads\n\n", step_ms, plan.step.threads);
    passes.print(out, true);
  }
};

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
  return write_text(path, is_svg
                              ? graph::draw_memory(report.plan.step.graph, report.plan.step.memory)
                              : html_of(report));
}

}  // namespace

void TrainingCompileOptions::declare(Parser& parser) {
  constexpr const char* kGroup = "Training";
  parser.add_flag("--train", is_asked, "A training step instead of inference").group(kGroup);
  parser
      .add_option(
          "--scheme", scheme,
          "What is updated: auto (most below --memory), full, bias, head, last:K, lora:R, a "
          "named scheme or a JSON file")
      .group(kGroup);
  parser
      .add_option("--memory", memory, "Most that a step may take beside the model's file, as 2MiB")
      .group(kGroup);
  parser.add_option("--loss", loss, "ce: cross-entropy").one_of({"ce"}).group(kGroup);
  parser.add_option("--tokens", tokens, "Of each window of text").positive().group(kGroup);
  parser.add_option("--report", report, "Report to write: .html, or .svg of the memory alone")
      .group(kGroup);
  parser.add_option("--save-scheme", save_scheme, "The scheme as a JSON file to write")
      .group(kGroup);
  parser.add_option("--without", without, "Passes to leave out").separated_by(',').group(kGroup);
  optimizer.declare(parser, spec, accumulate);
}

Status TrainingCompileOptions::check() const {
  if (is_asked) return {};
  const TrainingCompileOptions usual;
  const std::pair<const char*, bool> given[] = {
      {"--scheme", scheme != usual.scheme},
      {"--memory", !memory.empty()},
      {"--report", !report.empty()},
      {"--save-scheme", !save_scheme.empty()},
      {"--tokens", tokens != usual.tokens},
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

Status compile_training(const TrainingCompileOptions& options, const std::string& model,
                        int64_t batch, const std::string& output, ThreadPool& pool,
                        Context& context) {
  if (options.accumulate > 1) {
    return make_error(Code::InvalidArgument,
                      "--accumulate is of `verge train`; give --batch for a plan");
  }
  fit::PlanOptions plan_options;
  plan_options.shape = {.batch = std::max<int64_t>(1, batch), .tokens = options.tokens};
  plan_options.optimizer = options.spec;
  plan_options.disabled_passes = options.without;
  VERGE_RETURN_IF_ERROR(options.optimizer.apply(plan_options.optimizer));
  VERGE_TRY(plan_options.memory_bytes, size_option("--memory", options.memory));
  const bool is_file = model.ends_with(".safetensors") || is_network(model);
  VERGE_TRY(const std::string path, is_file ? Result<std::string>(model) : model_path(model));
  VERGE_TRY(const fit::BaseModel base, fit::open_base_model(path, plan_options.shape));
  VERGE_TRY(const fit::TrainingPlan chosen,
            fit::compile_chosen(base, options.scheme, plan_options, pool.size()));
  PassTable passes;
  plan_options.observe = [&](std::string_view pass, const graph::Graph& before,
                             const graph::Graph& after) { passes.add(pass, before, after); };
  VERGE_TRY(const fit::TrainingPlan plan,
            fit::compile_training(base, chosen.settings.scheme, plan_options, pool.size()));
  VERGE_RETURN_IF_ERROR(fit::write_training_plan(output, plan));
  if (!options.save_scheme.empty()) {
    VERGE_RETURN_IF_ERROR(
        write_text(options.save_scheme,
                   fit::print_scheme({.model = base.hash, .scheme = plan.settings.scheme})));
  }
  const auto full = fit::full_work(base, plan_options, pool.size());
  VERGE_TRY(const double step_ms, fit::step_ms(base, plan, pool, SystemClock()));
  const Report report{plan, full ? full->total() : 0, step_ms, passes, output};
  warn_of_reference(runtime::reference_nodes(plan.step), context);
  if (context.json) {
    print_json_line(report.json(), context.out);
  } else {
    report.print(context.out);
    context.out << "\nwrote " << output << "\n";
  }
  return write_report(report, options.report);
}

}  // namespace verge::cli
