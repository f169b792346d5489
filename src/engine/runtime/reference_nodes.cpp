#include <algorithm>

#include <verge/engine/runtime/reference_nodes.hpp>

namespace verge::runtime {

std::vector<std::string> reference_nodes(const Program& program) {
  std::vector<std::string> nodes;
  for (const ProgramStep& step : program.steps) {
    if (step.kernel != nullptr) continue;
    const graph::Node& node = program.graph.nodes[static_cast<size_t>(step.node)];
    if (node.op->name == "delegate") continue;  // a backend runs it
    nodes.push_back(fmt::format("{} ({})", node.op->name, node.source));
  }
  return nodes;
}

std::vector<std::string> reference_nodes(const Decoder& decoder) {
  std::vector<std::string> nodes = decoder.prefill.reference_nodes();
  for (std::string& node : decoder.decode.reference_nodes()) {
    if (std::ranges::find(nodes, node) == nodes.end()) nodes.push_back(std::move(node));
  }
  return nodes;
}

std::string reference_warning(std::span<const std::string> nodes) {
  struct Operator {
    std::string_view name, first;
    int count = 0;
  };
  std::vector<Operator> operators;
  for (const std::string_view node : nodes) {
    const std::string_view name = node.substr(0, node.find(' '));
    auto at = std::ranges::find(operators, name, &Operator::name);
    if (at == operators.end()) at = operators.insert(at, {name, node});
    ++at->count;
  }
  std::vector<std::string> parts;
  for (const Operator& op : operators) {
    parts.push_back(op.count == 1 ? std::string(op.first)
                                  : fmt::format("{} and {} more", op.first, op.count - 1));
  }
  if (parts.empty()) return {};
  return fmt::format("warning: no fast kernel for {}; the reference runs, which is very slow",
                     fmt::join(parts, ", "));
}

}  // namespace verge::runtime
