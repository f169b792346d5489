#include <filesystem>
#include <ostream>

#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/inspect_graph.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/pass_table.hpp>
#include <verge/core/file.hpp>
#include <verge/core/machine.hpp>
#include <verge/engine/graph/drawing/graph_svg.hpp>
#include <verge/engine/graph/drawing/memory_svg.hpp>
#include <verge/engine/graph/explain.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/graph/text_form.hpp>
#include <verge/engine/runtime/program.hpp>

namespace verge::cli {
namespace {

using nlohmann::ordered_json;

// Follows the passes: a row of the report for each, and the dumps.
class PassObserver {
 public:
  PassObserver(const GraphOptions& options, Context& context)
      : options_(options), context_(context) {}

  void operator()(std::string_view pass, const graph::Graph& before, const graph::Graph& after) {
    if (step_ == 0) dump("start", before);
    ++step_;
    if (options_.passes) table_.add(pass, before, after);
    if (graph::print(before) != graph::print(after)) dump(pass, after);
  }
  Status finish() {
    if (options_.passes && context_.json) {
      context_.out << ordered_json{{"passes", table_.json()}}.dump() << "\n";
    } else if (options_.passes) {
      table_.print(context_.out, false);
    }
    return status_;
  }

 private:
  void dump(std::string_view name, const graph::Graph& graph) {
    if (options_.dump.empty() || !status_) return;
    const std::string stem = fmt::format("{}/{:02}-{}", options_.dump, step_, name);
    status_ = write_whole_file(stem + ".txt", graph::print(graph));
    if (status_) status_ = write_whole_file(stem + ".svg", graph::draw_graph(graph));
  }

  const GraphOptions& options_;
  Context& context_;
  int step_ = 0;
  PassTable table_;
  Status status_;
};

Status show_memory(const GraphOptions& options, graph::Graph graph, Context& context) {
  VERGE_TRY(const runtime::Program program,
            runtime::make_program(std::move(graph), kernels::best_isa(), available_cores()));
  if (!options.memory_svg.empty()) {
    VERGE_RETURN_IF_ERROR(
        write_whole_file(options.memory_svg, graph::draw_memory(program.graph, program.memory)));
  }
  if (!options.explain.empty()) {
    VERGE_TRY(const std::string text,
              graph::explain(program.graph, program.memory, options.explain));
    context.out << text;
  }
  return {};
}

}  // namespace

void GraphOptions::declare(Parser& parser) {
  constexpr const char* kGroup = "The graph, after all passes";
  parser.add_option("--for", use, "Which graph: prefill, decode or train")
      .one_of({"prefill", "decode", "train"})
      .group(kGroup);
  parser.add_option("--batch", batch, "Sequences of a training step").positive().group(kGroup);
  parser.add_option("--graph", graph, "Print it as text or as an SVG picture")
      .one_of({"text", "svg"})
      .group(kGroup);
  parser.add_option("--memory-svg", memory_svg, "File for a picture of its memory over time")
      .group(kGroup);
  parser.add_option("--explain", explain, "Say why this value (name or number) is in memory")
      .group(kGroup);
  parser.add_flag("--passes", passes, "List the passes in order, with what each changes")
      .group(kGroup);
  parser.add_option("--without", without, "Passes to leave out").separated_by(',').group(kGroup);
  parser.add_option("--dump-graph", dump, "Folder for the graph after each pass that changes it")
      .group(kGroup);
}

bool GraphOptions::any() const {
  return passes || !graph.empty() || !memory_svg.empty() || !explain.empty() || !dump.empty();
}

Status inspect_graph(const GraphOptions& options, const format::ModelSource& source,
                     const model::LoadOptions& load, Context& context) {
  const auto use = model::graph_use_from_name(options.use);
  VERGE_CHECK(use.has_value(), options.use);
  VERGE_TRY(graph::Graph graph, model::model_graph(source, load, *use, options.batch));
  if (!options.dump.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.dump, error);
    if (error) {
      return make_error(Code::Io, "{}: {}; give a folder that can be made", options.dump,
                        error.message());
    }
  }
  PassObserver observer(options, context);
  graph::PipelineOptions pipeline{options.without, {}};
  if (options.passes || !options.dump.empty()) pipeline.observe = std::ref(observer);
  VERGE_TRY(graph::Optimized optimized, graph::optimize(std::move(graph), pipeline));
  VERGE_RETURN_IF_ERROR(observer.finish());
  if (options.graph == "text") context.out << graph::print(optimized.graph);
  if (options.graph == "svg") context.out << graph::draw_graph(optimized.graph);
  if (options.memory_svg.empty() && options.explain.empty()) return {};
  return show_memory(options, std::move(optimized.graph), context);
}

}  // namespace verge::cli
