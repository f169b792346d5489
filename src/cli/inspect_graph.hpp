#pragma once
// What `verge inspect` shows of a model's graph: text, pictures, the passes one by one, and why a
// value is in memory.

#include <string>
#include <vector>

#include <verge/engine/model/model_graph.hpp>

namespace verge::cli {

struct Context;
class Parser;

struct GraphOptions {
  std::string use = "prefill";
  int64_t batch = 1;
  std::string graph;       // "text" or "svg": print it
  std::string memory_svg;  // file to write
  std::string explain;     // value
  std::string dump;        // folder to write the graph to, after each pass that changes it
  bool passes = false;
  std::vector<std::string> without;  // passes

  void declare(Parser& parser);
  /// Whether anything of the graph is asked for.
  bool any() const;
};

Status inspect_graph(const GraphOptions& options, const format::ModelSource& source,
                     const model::LoadOptions& load, Context& context);

}  // namespace verge::cli
