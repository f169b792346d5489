#include <algorithm>
#include <charconv>

#include <verge/core/nearest_names.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/graph/drawing/memory_svg.hpp>
#include <verge/engine/graph/explain.hpp>
#include <verge/engine/graph/memory_types.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/text_form.hpp>

namespace verge::graph {
namespace {

constexpr size_t kMostNear = 8;

Result<ValueId> find_value(const Graph& graph, std::string_view name) {
  if (const ValueId id = graph.find(name); id != kNone) return id;
  ValueId number = kNone;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool is_number = status == std::errc() && end == name.data() + name.size();
  if (is_number && number >= 0 && static_cast<size_t>(number) < graph.values.size()) return number;
  std::vector<std::string> near;
  for (const Node& node : graph.nodes) {
    for (ValueId id : node.outputs) {
      if (id == kNone || node.source.find(name) == std::string::npos) continue;
      near.push_back(fmt::format("{} ({} {})", graph.value(id).name, node.op->name, node.source));
    }
  }
  for (const Value& value : graph.values) {
    if (value.name.find(name) != std::string::npos) near.push_back(value.name);
  }
  if (near.empty()) {
    std::vector<std::string> known;
    for (const Value& value : graph.values) known.push_back(value.name);
    near = nearest_names(name, known);
  }
  if (near.empty()) {
    return make_error(Code::NotFound, "no value {}; give the name or the number of one", name);
  }
  if (near.size() > kMostNear) near.resize(kMostNear);
  return make_error(Code::NotFound, "no value {}; there is {}", name, fmt::join(near, ", "));
}

std::string show_node(const Graph& graph, NodeId n) {
  constexpr std::string_view kPhases[] = {"forward", "backward", "update"};
  const Node& node = graph.nodes[static_cast<size_t>(n)];
  return fmt::format("node {}, {} {} ({})", n, node.op->name, node.source,
                     kPhases[static_cast<size_t>(node.phase)]);
}

std::string show_place(const Graph& graph, const MemoryPlan& plan, const ValueLife& life) {
  if (life.buffer < 0) return "not in the arena\n";
  const Buffer& buffer = plan.buffers[static_cast<size_t>(life.buffer)];
  std::string text =
      fmt::format("offset {} of an arena of {}\n", buffer.offset, show_bytes(plan.arena_bytes));
  for (ValueId other : life.shares) {
    text += fmt::format("  shared with {} {}\n", graph.value(other).name,
                        show_type(graph, graph.value(other).type));
  }
  text += fmt::format("alive at the peak: {}\n",
                      show_types(bytes_by_type(graph, plan, plan.peak_node)));
  const bool is_at_peak = buffer.first <= plan.peak_node && plan.peak_node <= buffer.last;
  return text +
         (is_at_peak
              ? fmt::format("at the peak ({}): {:.1f}% of it\n", show_node(graph, plan.peak_node),
                            100.0 * static_cast<double>(buffer.bytes) /
                                static_cast<double>(plan.lower_bound_bytes))
              : fmt::format("not at the peak ({})\n", show_node(graph, plan.peak_node)));
}

}  // namespace

ValueLife life_of(const Graph& graph, const MemoryPlan& plan, ValueId id) {
  ValueLife life;
  life.value = id;
  life.producer = producers_of(graph)[static_cast<size_t>(id)];
  life.buffer = plan.buffer_of_value[static_cast<size_t>(id)];
  life.is_output = graph.value(id).is_output;
  std::vector<bool> shows(graph.values.size());  // the value itself and its views
  shows[static_cast<size_t>(id)] = true;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const bool reads = std::ranges::any_of(node.inputs, [&](ValueId input) {
      return input != kNone && shows[static_cast<size_t>(input)];
    });
    if (!reads) continue;
    if (!node.op->is_view) {
      life.readers.push_back(static_cast<NodeId>(n));
    } else if (node.outputs[0] != kNone) {
      shows[static_cast<size_t>(node.outputs[0])] = true;
      life.is_output = life.is_output || graph.value(node.outputs[0]).is_output;
    }
  }
  for (size_t other = 0; other < graph.values.size() && life.buffer >= 0; ++other) {
    if (plan.buffer_of_value[other] == life.buffer && other != static_cast<size_t>(id)) {
      life.shares.push_back(static_cast<ValueId>(other));
    }
  }
  return life;
}

Result<std::string> explain(const Graph& graph, const MemoryPlan& plan, std::string_view name) {
  VERGE_TRY(const ValueId id, find_value(graph, name));
  constexpr std::string_view kKinds[] = {"input", "parameter", "state", "constant", "activation"};
  const Value& value = graph.value(id);
  const ValueLife life = life_of(graph, plan, id);
  std::string text =
      fmt::format("{}: {} of {}, {}\n", value.name, kKinds[static_cast<size_t>(value.kind)],
                  show_type(graph, value.type), show_bytes(bound_bytes(graph, id)));
  text += fmt::format("made by {}\n",
                      life.producer < 0 ? "the caller" : show_node(graph, life.producer));
  if (value.alias_of != kNone) {
    text += fmt::format("overwrites {} in place\n", graph.value(value.alias_of).name);
  }
  if (life.is_output) {
    text += "kept by the caller, who reads it after the run\n";
  } else if (life.readers.empty()) {
    text += "kept by nobody: it is never read\n";
  } else {
    text += fmt::format("kept by {}, its last reader\n", show_node(graph, life.readers.back()));
  }
  for (NodeId reader : life.readers) {
    text += fmt::format("  read by {}\n", show_node(graph, reader));
  }
  return text + show_place(graph, plan, life);
}

}  // namespace verge::graph
