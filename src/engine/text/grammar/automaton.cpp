#include <algorithm>
#include <bitset>
#include <utility>

#include <verge/engine/text/grammar/automaton.hpp>
#include <verge/engine/text/grammar/network.hpp>

namespace verge::text::grammar {

using EdgeKind = Network::EdgeKind;

class AutomatonBuilder {
 public:
  AutomatonBuilder(const Rules& rules, const Network& network)
      : rules_(rules), network_(network), into_(edges_into()), callers_(edges_calling()) {}

  Result<Automaton> build() {
    const std::vector<bool> productive = reaching_end(false);
    const std::string& root = rules_.rule(network_.parts[0].rule).name;
    if (!productive[network_.parts[0].start]) {
      return make_error(Code::Malformed, "grammar: no finite text can follow the rule '{}'", root);
    }
    VERGE_RETURN_IF_ERROR(refuse_left_recursion(productive));
    Automaton automaton;
    automaton.start_ = network_.parts[0].start;
    automaton.ends_.resize(network_.states);
    for (const Network::Part& part : network_.parts) automaton.ends_[part.end] = 1;
    sort_edges(productive, automaton);
    find_classes(automaton);
    return automaton;
  }

 private:
  using EdgeLists = std::vector<std::vector<int32_t>>;

  EdgeLists edges_into() const {
    EdgeLists lists(network_.states);
    for (size_t i = 0; i < network_.edges.size(); ++i) {
      lists[network_.edges[i].to].push_back(static_cast<int32_t>(i));
    }
    return lists;
  }

  EdgeLists edges_calling() const {
    EdgeLists lists(network_.states);
    for (size_t i = 0; i < network_.edges.size(); ++i) {
      const Network::Edge& edge = network_.edges[i];
      if (edge.kind == EdgeKind::Call) lists[callee(edge)].push_back(static_cast<int32_t>(i));
    }
    return lists;
  }

  int32_t callee(const Network::Edge& edge) const { return network_.parts[edge.called].start; }

  // States from which the end of their part can be reached; `empty`: without reading a byte.
  std::vector<bool> reaching_end(bool empty) const {
    std::vector<bool> reaching(network_.states);
    std::vector<int32_t> pending;
    const auto reach = [&](int32_t state) {
      if (reaching[state]) return;
      reaching[state] = true;
      pending.push_back(state);
    };
    for (const Network::Part& part : network_.parts) reach(part.end);
    while (!pending.empty()) {
      const int32_t state = pending.back();
      pending.pop_back();
      for (const int32_t index : into_[state]) {
        const Network::Edge& edge = network_.edges[index];
        if (edge.kind == EdgeKind::Skip || (edge.kind == EdgeKind::Byte && !empty) ||
            (edge.kind == EdgeKind::Call && reaching[callee(edge)])) {
          reach(edge.from);
        }
      }
      for (const int32_t index : callers_[state]) {
        const Network::Edge& edge = network_.edges[index];
        if (reaching[edge.to]) reach(edge.from);
      }
    }
    return reaching;
  }

  // For each part, those it may call before it has read a byte.
  EdgeLists first_calls(const std::vector<bool>& productive) const {
    const std::vector<bool> empty = reaching_end(true);
    EdgeLists out(network_.states);
    for (size_t i = 0; i < network_.edges.size(); ++i) {
      out[network_.edges[i].from].push_back(static_cast<int32_t>(i));
    }
    EdgeLists calls(network_.parts.size());
    std::vector<bool> seen(network_.states);
    for (size_t part = 0; part < network_.parts.size(); ++part) {
      std::vector<int32_t> pending = {network_.parts[part].start};
      seen[pending[0]] = true;
      while (!pending.empty()) {
        const int32_t state = pending.back();
        pending.pop_back();
        for (const int32_t index : out[state]) {
          const Network::Edge& edge = network_.edges[index];
          if (edge.kind == EdgeKind::Byte || !productive[edge.to]) continue;
          if (edge.kind == EdgeKind::Call) {
            if (!productive[callee(edge)]) continue;
            calls[part].push_back(edge.called);
            if (!empty[callee(edge)]) continue;
          }
          if (!seen[edge.to]) pending.push_back(edge.to);
          seen[edge.to] = true;
        }
      }
    }
    return calls;
  }

  Status refuse_left_recursion(const std::vector<bool>& productive) const {
    const EdgeLists calls = first_calls(productive);
    enum class Mark : uint8_t { New, Open, Done };
    std::vector<Mark> marks(calls.size(), Mark::New);
    struct Step {
      int32_t part;
      size_t next;
    };
    for (size_t root = 0; root < calls.size(); ++root) {
      if (marks[root] != Mark::New) continue;
      std::vector<Step> path = {{static_cast<int32_t>(root), 0}};
      marks[root] = Mark::Open;
      while (!path.empty()) {
        Step& step = path.back();
        if (step.next == calls[step.part].size()) {
          marks[step.part] = Mark::Done;
          path.pop_back();
          continue;
        }
        const int32_t called = calls[step.part][step.next++];
        if (marks[called] == Mark::Open) {
          return make_error(Code::Unsupported,
                            "grammar: rule '{}' is left-recursive: it can begin with itself{}; put "
                            "what it reads first, or use repetition",
                            rule_name(called),
                            called == step.part
                                ? std::string()
                                : fmt::format(" through '{}'", rule_name(step.part)));
        }
        if (marks[called] == Mark::New) {
          marks[called] = Mark::Open;
          path.push_back({called, 0});
        }
      }
    }
    return {};
  }

  const std::string& rule_name(int32_t part) const {
    return rules_.rule(network_.parts[part].rule).name;
  }

  // Edges to where no end can be reached are left out.
  void sort_edges(const std::vector<bool>& productive, Automaton& automaton) const {
    const auto rows_of = [&](EdgeKind kind, auto& edges, auto&& convert) {
      std::vector<int32_t> rows(network_.states + 1);
      const auto kept = [&](const Network::Edge& edge) {
        return edge.kind == kind && productive[edge.to] &&
               (kind != EdgeKind::Call || productive[callee(edge)]);
      };
      for (const Network::Edge& edge : network_.edges) rows[edge.from + 1] += kept(edge);
      for (int32_t i = 0; i < network_.states; ++i) rows[i + 1] += rows[i];
      edges.resize(rows.back());
      std::vector<int32_t> next = rows;
      for (const Network::Edge& edge : network_.edges) {
        if (kept(edge)) edges[next[edge.from]++] = convert(edge);
      }
      return rows;
    };
    automaton.byte_rows_ = rows_of(EdgeKind::Byte, automaton.bytes_, [](const Network::Edge& edge) {
      return Automaton::ByteEdge{edge.bytes, edge.to};
    });
    automaton.call_rows_ =
        rows_of(EdgeKind::Call, automaton.calls_, [&](const Network::Edge& edge) {
          return Automaton::CallEdge{callee(edge), edge.to};
        });
    automaton.skip_rows_ = rows_of(EdgeKind::Skip, automaton.skips_,
                                   [](const Network::Edge& edge) { return edge.to; });
  }

  static void find_classes(Automaton& automaton) {
    std::bitset<257> starts;
    for (const Automaton::ByteEdge& edge : automaton.bytes_) {
      starts.set(edge.bytes.first);
      starts.set(size_t{edge.bytes.last} + 1);
    }
    uint8_t current = 0;
    for (size_t byte = 0; byte < 256; ++byte) {
      if (byte > 0 && starts[byte]) ++current;
      automaton.classes_[byte] = current;
    }
    automaton.class_count_ = current + 1;
  }

  const Rules& rules_;
  const Network& network_;
  EdgeLists into_;
  EdgeLists callers_;  // by the state they call
};

Result<Automaton> Automaton::compile(const Rules& rules, int32_t root) {
  VERGE_TRY(const Network network, make_network(rules, root));
  return AutomatonBuilder(rules, network).build();
}

size_t Automaton::memory_bytes() const {
  const size_t rows = byte_rows_.size() + call_rows_.size() + skip_rows_.size();
  return sizeof(*this) + ends_.size() + bytes_.size() * sizeof(ByteEdge) +
         calls_.size() * sizeof(CallEdge) + (skips_.size() + rows) * sizeof(int32_t);
}

}  // namespace verge::text::grammar
