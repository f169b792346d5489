#include <algorithm>
#include <cctype>
#include <set>
#include <unordered_map>

#include <verge/engine/graph/drawing/folding.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/text_form.hpp>

namespace verge::graph {
namespace {

constexpr size_t kLeastPeriod = 3;  // nodes: shorter repetitions read better written out

class FoldFinder {
 public:
  explicit FoldFinder(const Graph& graph) : graph_(graph), producers_(producers_of(graph)) {
    std::unordered_map<std::string, int> numbers;
    for (const Node& node : graph.nodes) {
      kinds_.push_back(
          numbers.emplace(description(node), static_cast<int>(numbers.size())).first->second);
    }
  }

  void find(size_t begin, size_t end, std::vector<Fold>& folds) const {
    const Fold best = best_fold(begin, end);
    if (best.repeats < 2) return;
    find(begin, best.first, folds);
    folds.push_back(best);
    find(best.end(), end, folds);
  }

 private:
  // Equal for nodes that could stand for each other, whatever they read.
  std::string description(const Node& node) const {
    std::string text =
        fmt::format("{} {} {}", node.op->name, static_cast<int>(node.phase), node.outputs.size());
    for (const auto& [name, attr] : node.attrs.entries()) {
      text += fmt::format(" {}={}", name, show_attr(attr));
    }
    for (ValueId id : node.outputs) {
      text += fmt::format(" {}", id == kNone ? "_" : show_type(graph_, graph_.value(id).type));
    }
    for (ValueId id : node.inputs) {
      if (id == kNone) {
        text += " _";
        continue;
      }
      Type type = graph_.value(id).type;
      if (graph_.value(id).kind == ValueKind::Param) type.dtype = DType::F32;
      text += fmt::format(" {}", show_type(graph_, type));
    }
    return text;
  }

  Fold best_fold(size_t begin, size_t end) const {
    Fold best;
    for (size_t period = kLeastPeriod; 2 * period <= end - begin; ++period) {
      size_t run = 0;  // nodes up to here that are like those one period further on
      for (size_t i = begin; i + period <= end; ++i) {
        const bool same = i + period < end && kinds_[i] == kinds_[i + period];
        if (same) {
          ++run;
          continue;
        }
        if (run >= period) consider(i - run, run, period, best);
        run = 0;
      }
    }
    return best;
  }

  // A run of `run` like nodes holds run / period + 1 repetitions; it may begin anywhere in the
  // remainder, and begins best where a layer does.
  void consider(size_t begin, size_t run, size_t period, Fold& best) const {
    Fold fold{begin, period, run / period + 1};
    size_t fewest = SIZE_MAX;
    for (size_t shift = 0; shift <= run % period; ++shift) {
      std::set<std::string> layers;
      for (size_t i = begin + shift; i < begin + shift + period; ++i) {
        layers.insert(layer_of(graph_.nodes[i].source));
      }
      if (layers.size() >= fewest) continue;
      fewest = layers.size();
      fold.first = begin + shift;
    }
    size_t wired = 1;
    while (wired < fold.repeats && wired_alike(fold, wired)) ++wired;
    fold.repeats = wired;
    const auto saved = [](const Fold& f) { return f.repeats < 2 ? 0 : (f.repeats - 1) * f.period; };
    if (saved(fold) > saved(best)) best = fold;
  }

  // Whether a repetition reads what the one before it reads, or what stands one period further on.
  // The first one may take from before the fold what the others take from each other.
  bool wired_alike(const Fold& fold, size_t repeat) const {
    for (size_t i = 0; i < fold.period; ++i) {
      const size_t n = fold.first + repeat * fold.period + i;
      const Node &node = graph_.nodes[n], &before = graph_.nodes[n - fold.period];
      for (size_t in = 0; in < node.inputs.size(); ++in) {
        const ValueId a = before.inputs[in], b = node.inputs[in];
        if (a == b || a == kNone || b == kNone) continue;
        const NodeId from = producers_[static_cast<size_t>(a)];
        const NodeId to = producers_[static_cast<size_t>(b)];
        const bool is_shifted = from >= 0 && to >= 0 && is_alike(from, to, fold.period);
        const bool is_outside = from < 0 && to < 0;
        const bool enters = repeat == 1 && from < static_cast<NodeId>(fold.first) &&
                            to >= static_cast<NodeId>(fold.first);
        if (!is_shifted && !is_outside && !enters) return false;
      }
    }
    return true;
  }

  // One period on; or, as backward layers read forward ones, the same place of any other layer.
  bool is_alike(NodeId from, NodeId to, size_t period) const {
    if (to - from == static_cast<NodeId>(period)) return true;
    const auto a = static_cast<size_t>(from), b = static_cast<size_t>(to);
    return a > b && kinds_[a] == kinds_[b];
  }

  const Graph& graph_;
  const std::vector<NodeId> producers_;
  std::vector<int> kinds_;  // by node
};

}  // namespace

std::vector<Fold> find_folds(const Graph& graph) {
  std::vector<Fold> folds;
  FoldFinder(graph).find(0, graph.nodes.size(), folds);
  return folds;
}

std::string layer_of(std::string_view source) {
  const size_t digit = source.find_first_of("0123456789");
  if (digit == std::string_view::npos) return std::string(source);
  const size_t end = source.find_first_not_of("0123456789", digit);
  return std::string(source.substr(0, end));
}

std::string common_name(std::string_view a, std::string_view b) {
  const auto digits = [](std::string_view text, size_t at) {
    const size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
    return text.substr(at, end - at);
  };
  std::string name;
  for (size_t i = 0, j = 0; i < a.size();) {
    if (std::isdigit(static_cast<unsigned char>(a[i])) == 0 || j >= b.size()) {
      name += a[i++];
      ++j;
      continue;
    }
    const std::string_view one = digits(a, i), other = digits(b, j);
    name += one == other ? std::string(one) : "N";
    i += one.size();
    j += other.size();
  }
  return name;
}

}  // namespace verge::graph
