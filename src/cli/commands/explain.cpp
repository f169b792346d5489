#include <ostream>

#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/parser.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/graph/explain.hpp>
#include <verge/engine/runtime/plan_file.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  std::string plan;
  std::string tensor;
  std::string program;
};

// The copies of a frozen weight that its kernels read instead of it.
std::string explain_prepared(const runtime::Program& program, std::string_view tensor) {
  std::string text;
  for (const runtime::PreparedWeight& prepared : runtime::prepared_weights(program)) {
    const bool is_asked = program.graph.value(prepared.weight).name == tensor ||
                          fmt::format("{}", prepared.weight) == tensor;
    if (!is_asked) continue;
    const graph::Node& node = program.graph.nodes[static_cast<size_t>(prepared.node)];
    text += fmt::format("copied once, when the plan is bound, for node {}, {} {}{}{}: {}\n",
                        prepared.node, node.op->name, node.source,
                        prepared.choice.empty() ? "" : " by ", prepared.choice,
                        show_bytes(prepared.bytes));
  }
  return text;
}

Status execute(const Options& options, Context& context) {
  VERGE_TRY(const runtime::PlanFile file, runtime::read_plan_file(options.plan));
  const runtime::Program* program = options.program.empty() && !file.programs.empty()
                                        ? &file.programs.front().second
                                        : file.find(options.program);
  if (program == nullptr) {
    std::string known;
    for (const auto& [name, each] : file.programs) known += (known.empty() ? "" : ", ") + name;
    return make_error(Code::InvalidArgument, "{}: no program \"{}\"; it has {}", options.plan,
                      options.program, known);
  }
  VERGE_TRY(std::string text, graph::explain(program->graph, program->memory, options.tensor));
  text += explain_prepared(*program, options.tensor);
  if (context.json) {
    print_json_line({{"tensor", options.tensor}, {"text", text}}, context.out);
  } else {
    context.out << text;
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser.add_option("PLAN", options->plan, "A plan file of `verge compile`").required();
  parser.add_option("--tensor", options->tensor, "Its name, or its number in the graph").required();
  parser.add_option(
      "--program", options->program,
      "Which program of the file (the first): step, evaluate, update, prefill, decode");
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command explain() {
  return {"explain", "Models", "Say why a tensor of a plan is in memory, and until when",
          "  verge explain digits.vplan --tensor stage.2.1.conv.weight", declare};
}

}  // namespace verge::cli::commands
