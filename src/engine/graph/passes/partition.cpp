#include <algorithm>
#include <map>
#include <numeric>

#include <verge/engine/graph/graph_cost.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/partition.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/passes/region_body.hpp>
#include <verge/engine/graph/passes/regions.hpp>
#include <verge/engine/graph/passes/sort_nodes.hpp>
#include <verge/engine/graph/text_form.hpp>

namespace verge::graph {
namespace {

std::string show_node(const Node& node) {
  return node.source.empty() ? std::string(node.op->name)
                             : fmt::format("{} ({})", node.op->name, node.source);
}

// What no backend is asked about.
std::vector<std::string> common_refusals(const Graph& graph, const Node& node,
                                         const std::vector<bool>& overwritten) {
  std::vector<std::string> reasons;
  if (node.phase != Phase::Forward) reasons.emplace_back("it is a part of training");
  const auto check = [&](ValueId id) {
    const Value& value = graph.value(id);
    for (const Dim& dim : value.type.dims) {
      if (dim.is_constant()) continue;
      reasons.push_back(fmt::format("the extent {} is known only at a run",
                                    graph.symbols[static_cast<size_t>(dim.symbol)].name));
    }
    const bool changes = value.kind == ValueKind::State || value.alias_of != kNone ||
                         value.is_trainable || overwritten[static_cast<size_t>(id)];
    if (changes) reasons.push_back(fmt::format("{} changes from run to run", value.name));
  };
  for (const auto* ids : {&node.inputs, &node.outputs}) {
    for (const ValueId id : *ids) {
      if (id != kNone) check(id);
    }
  }
  if (node.op->name == "delegate" || node.op->name == "copy") {
    reasons.emplace_back("it is of another backend");
  }
  std::ranges::sort(reasons);
  reasons.erase(std::unique(reasons.begin(), reasons.end()), reasons.end());
  return reasons;
}

class Partitioner {
 public:
  Partitioner(Graph& graph, const Capability& backend, PartitionReport& report)
      : graph_(graph),
        backend_(backend),
        report_(report),
        readers_(readers_of(graph)),
        reasons_(graph.nodes.size()),
        room_(backend.memory_bytes()) {}

  void run() {
    const std::vector<bool> overwritten = overwritten_values(graph_);
    std::vector<bool> is_wanted(graph_.nodes.size());
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      reasons_[n] = common_refusals(graph_, graph_.nodes[n], overwritten);
      if (reasons_[n].empty()) reasons_[n] = backend_.refusals(graph_, graph_.nodes[n]);
      is_wanted[n] = reasons_[n].empty();
    }
    for (const Region& region : grow_regions(graph_, is_wanted)) {
      if (pays(region)) fit(region);
    }
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (!reasons_[n].empty()) {
        report_.stayed.push_back({show_node(graph_.nodes[n]), std::move(reasons_[n])});
      }
    }
    replace_regions();
  }

 private:
  bool has_own_memory() const { return room_.has_value(); }

  void leave(const Region& region, const std::string& reason) {
    for (const NodeId n : region) reasons_[static_cast<size_t>(n)].push_back(reason);
  }

  bool pays(const Region& region) {
    const BackendCost cost = backend_.cost();
    if (region.size() < cost.least_nodes) {
      leave(region, fmt::format("a region of {} nodes; {} takes {} or more", region.size(),
                                backend_.name(), cost.least_nodes));
      return false;
    }
    const RegionBody made = make_body(graph_, region, readers_);
    const double flops = cost_of(made.body).flops;
    const double saved = flops / cost.host_flops_per_s - flops / cost.flops_per_s;
    const double copies = has_own_memory() ? static_cast<double>(made.bytes_in + made.bytes_out) /
                                                 cost.copy_bytes_per_s
                                           : 0;
    if (saved >= copies + cost.launch_s) return true;
    leave(region, fmt::format("a region of {} nodes that does not pay: it would save {:.1f} us of "
                              "work, and cost {:.1f} us of copies and {:.1f} us of handing over",
                              region.size(), saved * 1e6, copies * 1e6, cost.launch_s * 1e6));
    return false;
  }

  // All of the region, or pieces of it that the backend's memory has room for.
  void fit(const Region& region) {
    if (!has_own_memory()) return take(region);
    const auto fits = [&](const Region& piece) {
      return backend_.memory_of(make_body(graph_, piece, readers_).body) <= *room_;
    };
    const CutRegion cut = cut_region(region, fits, [&](const Region& piece) {
      if (piece.size() == region.size() || pays(piece)) take(piece);
    });
    for (const NodeId n : cut.left) {
      const int64_t needed = backend_.memory_of(make_body(graph_, {n}, readers_).body);
      leave({n}, fmt::format("it needs {} bytes of {}'s memory; {} of {} are left", needed,
                             backend_.name(), *room_, *backend_.memory_bytes()));
    }
  }

  void take(const Region& region) {
    RegionBody made = make_body(graph_, region, readers_);
    if (made.outputs.empty()) return leave(region, "nobody reads what it computes");
    PartitionReport::RegionFacts facts;
    for (const NodeId n : region) {
      facts.nodes.push_back(show_node(graph_.nodes[static_cast<size_t>(n)]));
    }
    facts.flops = cost_of(made.body).flops;
    facts.weight_bytes = made.weight_bytes;
    if (has_own_memory()) {
      facts.memory_bytes = backend_.memory_of(made.body);
      *room_ -= facts.memory_bytes;
      facts.bytes_to = made.bytes_in;
      facts.bytes_from = made.bytes_out;
      facts.copies = static_cast<int>(made.given.size() + made.outputs.size());
    }
    report_.regions.push_back(std::move(facts));
    taken_.push_back({region, std::move(made)});
  }

  struct Taken {
    Region region;
    RegionBody made;
  };

  ValueId add_value(ValueId like) {
    Value value;
    value.name = fmt::format("{} on {}", graph_.value(like).name, backend_.name());
    value.type = graph_.value(like).type;
    graph_.values.push_back(std::move(value));
    return static_cast<ValueId>(graph_.values.size() - 1);
  }

  void add_copy(std::vector<Node>& nodes, ValueId from, ValueId to, const char* way,
                const std::string& source) {
    nodes.push_back({find_op("copy"),
                     {from},
                     {to},
                     {{way, std::string(backend_.name())}},
                     Phase::Forward,
                     source});
  }

  // The delegate of a region and the copies at its borders.
  std::vector<Node> nodes_of(const Taken& taken) {
    const RegionBody& made = taken.made;
    Node node{find_op("delegate"), made.inputs, made.outputs, {}, Phase::Forward, {}};
    node.attrs = {{"backend", std::string(backend_.name())}, {"body", print(made.body)}};
    node.source = graph_.nodes[static_cast<size_t>(taken.region.front())].source;
    std::vector<Node> before, after;
    if (has_own_memory()) {
      node.attrs.set("own_memory", int64_t{1});
      for (const size_t i : made.given) {
        const ValueId there = add_value(node.inputs[i]);
        add_copy(before, node.inputs[i], there, "to", node.source);
        node.inputs[i] = there;
      }
      for (ValueId& output : node.outputs) {
        const ValueId there = add_value(output);
        add_copy(after, there, output, "from", node.source);
        output = there;
      }
    }
    before.push_back(std::move(node));
    before.insert(before.end(), after.begin(), after.end());
    return before;
  }

  void replace_regions() {
    std::vector<bool> removed(graph_.nodes.size());
    std::vector<size_t> place(graph_.nodes.size());  // where a node stood: kept among equals
    std::iota(place.begin(), place.end(), size_t{0});
    for (const Taken& taken : taken_) {
      for (const NodeId n : taken.region) removed[static_cast<size_t>(n)] = true;
      for (Node& node : nodes_of(taken)) {
        graph_.nodes.push_back(std::move(node));
        removed.push_back(false);
        place.push_back(static_cast<size_t>(taken.region.front()));
      }
    }
    std::vector<size_t> kept;
    for (size_t n = 0; n < removed.size(); ++n) {
      if (!removed[n]) kept.push_back(place[n]);
    }
    remove_nodes(graph_, removed);
    sort_nodes(graph_, kept);
  }

  Graph& graph_;
  const Capability& backend_;
  PartitionReport& report_;
  std::vector<std::vector<NodeId>> readers_;
  std::vector<std::vector<std::string>> reasons_;
  std::optional<int64_t> room_;  // of the backend's own memory
  std::vector<Taken> taken_;
};

}  // namespace

size_t PartitionReport::delegated_nodes() const {
  size_t count = 0;
  for (const RegionFacts& region : regions) count += region.nodes.size();
  return count;
}

int PartitionReport::copies() const {
  int count = 0;
  for (const RegionFacts& region : regions) count += region.copies;
  return count;
}

int64_t PartitionReport::copied_bytes() const {
  int64_t bytes = 0;
  for (const RegionFacts& region : regions) bytes += region.bytes_to + region.bytes_from;
  return bytes;
}

Graph partition(Graph graph, const Capability& backend, PartitionReport* report) {
  PartitionReport unread;
  PartitionReport& facts = report == nullptr ? unread : *report;
  facts = {std::string(backend.name()), {}, {}};
  Partitioner(graph, backend, facts).run();
  return graph;
}

}  // namespace verge::graph
