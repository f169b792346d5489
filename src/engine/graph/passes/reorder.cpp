#include <algorithm>
#include <numeric>
#include <tuple>

#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/passes/reorder.hpp>
#include <verge/engine/graph/planner.hpp>

namespace verge::graph {
namespace {

constexpr size_t kBeam = 8;
// Beams copy their state at every step: above this many nodes one beam must do.
constexpr size_t kMostNodesForBeams = 1500;

// What scheduling needs to know of a graph: memory as buffers that nodes make and read.
struct Problem {
  std::vector<std::vector<NodeId>> successors;
  std::vector<int32_t> waits;                // by node: predecessors
  std::vector<std::vector<int32_t>> reads;   // by node: buffers, each once
  std::vector<std::vector<int32_t>> makes;   // by node: buffers
  std::vector<std::vector<int32_t>> reuses;  // by node: buffers whose memory an output may take
  std::vector<int64_t> bytes;                // by buffer
  std::vector<int32_t> readers;              // by buffer
  size_t nodes() const { return waits.size(); }
};

class ProblemBuilder {
 public:
  explicit ProblemBuilder(const Graph& graph) : graph_(graph), buffer_(graph.values.size(), -1) {}

  Problem build() {
    const auto predecessors = predecessors_of(graph_);
    const size_t count = graph_.nodes.size();
    problem_.successors.resize(count);
    problem_.reads.resize(count);
    problem_.makes.resize(count);
    problem_.reuses.resize(count);
    for (size_t n = 0; n < count; ++n) {
      problem_.waits.push_back(static_cast<int32_t>(predecessors[n].size()));
      for (NodeId before : predecessors[n]) {
        problem_.successors[static_cast<size_t>(before)].push_back(static_cast<NodeId>(n));
      }
      add(n);
    }
    return std::move(problem_);
  }

 private:
  void add(size_t n) {
    const Node& node = graph_.nodes[n];
    auto& reads = problem_.reads[n];
    for (ValueId id : node.inputs) {
      if (id == kNone || buffer_[static_cast<size_t>(id)] < 0) continue;
      reads.push_back(buffer_[static_cast<size_t>(id)]);
    }
    std::ranges::sort(reads);
    reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
    for (int32_t buffer : reads) ++problem_.readers[static_cast<size_t>(buffer)];
    for (ValueId id : node.outputs) {
      if (id != kNone) make(n, node, id);
    }
    for (const Alias& alias : node.op->aliases) {
      const auto input = static_cast<size_t>(alias.input);
      if (input >= node.inputs.size() || node.inputs[input] == kNone) continue;
      const int32_t buffer = buffer_[static_cast<size_t>(node.inputs[input])];
      if (buffer >= 0 && !alias.required) problem_.reuses[n].push_back(buffer);
    }
  }

  void make(size_t n, const Node& node, ValueId id) {
    int32_t& buffer = buffer_[static_cast<size_t>(id)];
    const ValueId target = graph_.value(id).alias_of;
    if (target != kNone || node.op->is_view) {
      buffer = buffer_[static_cast<size_t>(target != kNone ? target : node.inputs[0])];
    } else {
      buffer = static_cast<int32_t>(problem_.bytes.size());
      problem_.bytes.push_back(bound_bytes(graph_, id));
      problem_.readers.push_back(0);
      problem_.makes[n].push_back(buffer);
    }
    // The caller reads it after the run: it never dies.
    if (buffer >= 0 && graph_.value(id).is_output) ++problem_.readers[static_cast<size_t>(buffer)];
  }

  const Graph& graph_;
  std::vector<int32_t> buffer_;  // by value; -1: not in the arena
  Problem problem_;
};

// The beginning of a schedule.
struct Beginning {
  std::vector<NodeId> order, ready;
  std::vector<int32_t> waits, readers;
  int64_t live = 0, peak = 0;
};

// What one more node makes of a beginning.
struct Choice {
  int64_t peak, live;
  NodeId node;
  size_t beginning;
  auto key() const { return std::tuple(peak, live, node, beginning); }
};

Choice weigh(const Problem& problem, const Beginning& from, size_t index, NodeId node) {
  const auto n = static_cast<size_t>(node);
  int64_t made = 0, freed = 0, reusable = 0;
  for (int32_t buffer : problem.makes[n]) {
    made += problem.bytes[static_cast<size_t>(buffer)];
    if (problem.readers[static_cast<size_t>(buffer)] == 0) {
      freed += problem.bytes[static_cast<size_t>(buffer)];
    }
  }
  for (int32_t buffer : problem.reads[n]) {
    if (from.readers[static_cast<size_t>(buffer)] != 1) continue;
    freed += problem.bytes[static_cast<size_t>(buffer)];
    const bool may_reuse = std::ranges::find(problem.reuses[n], buffer) != problem.reuses[n].end();
    if (may_reuse) reusable += problem.bytes[static_cast<size_t>(buffer)];
  }
  const int64_t during = from.live + made - std::min(made, reusable);
  return {std::max(from.peak, during), from.live + made - freed, node, index};
}

Beginning follow(const Problem& problem, const Beginning& from, const Choice& choice) {
  Beginning next = from;
  const auto n = static_cast<size_t>(choice.node);
  next.peak = choice.peak;
  next.live = choice.live;
  next.order.push_back(choice.node);
  std::erase(next.ready, choice.node);
  for (int32_t buffer : problem.reads[n]) --next.readers[static_cast<size_t>(buffer)];
  for (NodeId successor : problem.successors[n]) {
    if (--next.waits[static_cast<size_t>(successor)] == 0) next.ready.push_back(successor);
  }
  return next;
}

// Beginnings of equal memory that did the same last node are near copies: one of them is enough.
std::vector<Choice> best_choices(std::vector<Choice> choices, size_t beam) {
  std::ranges::sort(choices, {}, &Choice::key);
  const auto same = [](const Choice& a, const Choice& b) {
    return a.peak == b.peak && a.live == b.live && a.node == b.node;
  };
  choices.erase(std::unique(choices.begin(), choices.end(), same), choices.end());
  if (choices.size() > beam) choices.resize(beam);
  return choices;
}

std::vector<size_t> schedule(const Problem& problem) {
  Beginning start;
  start.waits = problem.waits;
  start.readers = problem.readers;
  for (size_t n = 0; n < problem.nodes(); ++n) {
    if (problem.waits[n] == 0) start.ready.push_back(static_cast<NodeId>(n));
  }
  const size_t beam = problem.nodes() <= kMostNodesForBeams ? kBeam : 1;
  std::vector<Beginning> beginnings = {std::move(start)};
  for (size_t step = 0; step < problem.nodes(); ++step) {
    std::vector<Choice> choices;
    for (size_t i = 0; i < beginnings.size(); ++i) {
      for (NodeId node : beginnings[i].ready) {
        choices.push_back(weigh(problem, beginnings[i], i, node));
      }
    }
    std::vector<Beginning> next;
    for (const Choice& choice : best_choices(std::move(choices), beam)) {
      next.push_back(follow(problem, beginnings[choice.beginning], choice));
    }
    beginnings = std::move(next);
  }
  const std::vector<NodeId>& best = beginnings.front().order;
  return {best.begin(), best.end()};
}

}  // namespace

Graph reorder(Graph graph) {
  const auto is_backward = [](const Node& node) { return node.phase != Phase::Forward; };
  if (std::ranges::none_of(graph.nodes, is_backward)) return graph;
  Graph candidate = graph;
  reorder_nodes(candidate, schedule(ProblemBuilder(graph).build()));
  const bool is_better = plan_memory(candidate).arena_bytes < plan_memory(graph).arena_bytes;
  return is_better ? candidate : graph;
}

}  // namespace verge::graph
