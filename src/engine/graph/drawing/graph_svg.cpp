#include <algorithm>
#include <numeric>
#include <set>

#include <verge/core/svg.hpp>
#include <verge/engine/graph/drawing/folding.hpp>
#include <verge/engine/graph/drawing/graph_svg.hpp>
#include <verge/engine/graph/drawing/layout.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/text_form.hpp>

namespace verge::graph {
namespace {

constexpr double kMargin = 40, kTop = 74, kFramePad = 14, kLine = 13, kBoxPad = 7;
// Boxes: what the backward pass reads from further away is named instead of joined by a line.
constexpr size_t kFar = 8;
constexpr double kCarriedWidth = 24;  // for what one repetition hands to the next
constexpr double kTitleWidth = 7.4, kDetailWidth = 6.1;  // a letter's, of the fonts below
constexpr const char* kTitleFont = "font-weight=\"bold\" fill=\"#0f172a\"";
constexpr const char* kDetailFont = "font-family=\"monospace\" font-size=\"10\"";
constexpr const char* kPhaseFills[] = {"#eff6ff", "#fff7ed", "#ecfdf5"};  // by phase
constexpr const char* kEdges[] = {"#93c5fd", "#fdba74", "#6ee7b7"};
constexpr const char* kPhaseNames[] = {"forward", "backward", "update"};
constexpr const char* kSavedColour = "#b45309";
constexpr const char* kEdge = "stroke=\"#94a3b8\" stroke-width=\"1.2\" marker-end=\"url(#arrow)\"";
constexpr const char* kCarried =
    "stroke=\"#94a3b8\" stroke-width=\"1.2\" stroke-dasharray=\"4 3\" marker-end=\"url(#arrow)\"";

struct DetailLine {
  std::string text;
  const char* colour;
};

struct NodeBox {
  size_t node;
  std::string title, source;
  std::vector<DetailLine> lines;
};

class GraphDrawing {
 public:
  explicit GraphDrawing(const Graph& graph)
      : order_(drawing_order(graph)),
        graph_(in_order(graph, order_)),
        producers_(producers_of(graph_)),
        folds_(find_folds(graph_)),
        box_of_(graph.nodes.size()) {}

  std::string draw() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Fold* fold = fold_of(n);
      if (fold != nullptr && fold->shown(n) != n) continue;
      box_of_[n] = boxes_.size();
      boxes_.push_back(describe(n, fold));
    }
    add_edges();
    for (const NodeBox& box : boxes_) layout_.boxes.push_back(measure(box));
    lay_out(layout_);
    for (LayoutBox& box : layout_.boxes) box.x += kMargin, box.y += kTop;
    Svg svg(std::max(560.0, layout_.width + 2 * kMargin + kCarriedWidth),
            layout_.height + kTop + kMargin);
    svg.define_arrow();
    draw_heading(svg);
    for (const Fold& fold : folds_) draw_frame(svg, fold);
    for (const LayoutEdge& edge : layout_.edges) draw_edge(svg, edge);
    for (size_t i = 0; i < boxes_.size(); ++i) draw_box(svg, i);
    return svg.finish();
  }

 private:
  // What reads nothing that is computed comes first: it would break up the layer it stands in.
  static std::vector<size_t> drawing_order(const Graph& graph) {
    std::vector<size_t> order(graph.nodes.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_partition(order.begin(), order.end(), [&](size_t n) {
      return std::ranges::none_of(graph.nodes[n].inputs, [&](ValueId id) {
        return id != kNone && graph.value(id).kind == ValueKind::Activation;
      });
    });
    return order;
  }
  static Graph in_order(Graph graph, const std::vector<size_t>& order) {
    reorder_nodes(graph, order);
    return graph;
  }

  const Fold* fold_of(size_t node) const {
    const auto at = std::ranges::find_if(folds_, [&](const Fold& f) { return f.has(node); });
    return at == folds_.end() ? nullptr : &*at;
  }

  NodeBox describe(size_t n, const Fold* fold) const {
    const Node& node = graph_.nodes[n];
    const Node& next = graph_.nodes[fold == nullptr ? n : n + fold->period];
    NodeBox box{n, std::string(node.op->name), {}, {}};
    const std::string_view activation = node.attrs.text("activation", "none");
    if (activation != "none") box.title += fmt::format(" + {}", activation);
    box.source = fold == nullptr ? node.source : common_name(node.source, next.source);
    if (!box.source.empty()) box.lines.push_back({box.source, "#64748b"});
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId id = node.inputs[i];
      if (id != kNone && graph_.value(id).kind != ValueKind::Activation) {
        box.lines.push_back(describe_outer(n, i, fold));
      }
    }
    for (ValueId id : node.outputs) {
      if (id == kNone) continue;
      const Value& value = graph_.value(id);
      std::string text = "\u2192 ";
      if (value.alias_of != kNone) text = "\u2192 in place: ";
      if (value.is_output) text = fmt::format("\u21d2 {}: ", value.name);
      box.lines.push_back({text + show_type(graph_, value.type), "#0f172a"});
    }
    return box;
  }

  // An input, weight, state or constant that the node reads.
  DetailLine describe_outer(size_t n, size_t input, const Fold* fold) const {
    constexpr const char* kColours[] = {"#1d4ed8", "#57534e", "#7e22ce", "#78716c", "#000"};
    const Value& value = graph_.value(graph_.nodes[n].inputs[input]);
    std::string label = value.name;
    Type type = value.type;
    std::string types(name(type.dtype));
    if (fold != nullptr) {
      std::set<std::string> dtypes;
      for (size_t r = 0; r < fold->repeats; ++r) {
        const ValueId id = graph_.nodes[n + r * fold->period].inputs[input];
        dtypes.emplace(name(graph_.value(id).type.dtype));
        if (r == 1) label = common_name(label, graph_.value(id).name);
      }
      types = fmt::format("{}", fmt::join(dtypes, "/"));
    }
    const std::string shown = show_type(graph_, type);
    return {fmt::format("{} {}{}", label, types, shown.substr(shown.find(' '))),
            kColours[static_cast<size_t>(value.kind)]};
  }

  LayoutBox measure(const NodeBox& box) const {
    LayoutBox size;
    size.width = kTitleWidth * static_cast<double>(box.title.size());
    for (const DetailLine& line : box.lines) {
      size.width = std::max(size.width, kDetailWidth * static_cast<double>(line.text.size()));
    }
    size.width += 2 * kBoxPad;
    size.height = 2 * kBoxPad + kLine * static_cast<double>(1 + box.lines.size());
    for (const Fold& fold : folds_) {
      size.segment += (box.node >= fold.first) + (box.node >= fold.end());
    }
    return size;
  }

  // Edges between what is shown; what one repetition hands to the next is drawn by the frame.
  void add_edges() {
    std::set<std::pair<size_t, size_t>> known;
    for (const NodeBox& box : boxes_) {
      const Fold* fold = fold_of(box.node);
      for (size_t r = 0; r < (fold == nullptr ? 1 : fold->repeats); ++r) {
        const size_t reader = box.node + (fold == nullptr ? 0 : r * fold->period);
        for (ValueId id : graph_.nodes[reader].inputs) add_edge(id, box.node, known);
      }
    }
  }

  void add_edge(ValueId id, size_t reader, std::set<std::pair<size_t, size_t>>& known) {
    if (id == kNone || producers_[static_cast<size_t>(id)] < 0) return;
    auto producer = static_cast<size_t>(producers_[static_cast<size_t>(id)]);
    if (const Fold* fold = fold_of(producer)) producer = fold->shown(producer);
    const std::pair edge(box_of_[producer], box_of_[reader]);
    if (!known.insert(edge).second) return;
    const bool is_saved = graph_.nodes[producer].phase == Phase::Forward &&
                          graph_.nodes[reader].phase != Phase::Forward;
    if (is_saved && edge.second - edge.first > kFar) {
      const NodeBox& from = boxes_[edge.first];
      boxes_[edge.second].lines.push_back(
          {fmt::format("saved: {} {}", from.title, from.source), kSavedColour});
    } else if (producer < reader) {
      layout_.edges.push_back({edge.first, edge.second, {}});
    } else {
      carried_.push_back(edge);
    }
  }

  void draw_heading(Svg& svg) const {
    svg.text(kMargin, 28, graph_.name, Anchor::Start, "font-size=\"17\" font-weight=\"bold\"");
    std::string symbols;
    for (const Symbol& symbol : graph_.symbols) {
      symbols += fmt::format(", {} \u2264 {}", symbol.name, symbol.bound);
    }
    svg.text(kMargin, 48, fmt::format("{} nodes{}", graph_.nodes.size(), symbols), Anchor::Start,
             "fill=\"#64748b\"");
    double x = kMargin + 300;
    for (size_t phase = 0; phase < std::size(kPhaseFills); ++phase) {
      const auto is_here = [&](const Node& node) {
        return node.phase == static_cast<Phase>(phase);
      };
      if (std::ranges::none_of(graph_.nodes, is_here)) continue;
      svg.rect({x, 38, 12, 12}, box_style(phase));
      svg.text(x + 18, 48, kPhaseNames[phase], Anchor::Start, "fill=\"#64748b\"");
      x += 84;
    }
  }

  static std::string box_style(size_t phase) {
    return fmt::format("rx=\"4\" fill=\"{}\" stroke=\"{}\"", kPhaseFills[phase], kEdges[phase]);
  }

  void draw_frame(Svg& svg, const Fold& fold) const {
    double left = 1e9, top = 1e9, right = 0, bottom = 0;
    for (size_t n = fold.first; n < fold.first + fold.period; ++n) {
      const LayoutBox& box = layout_.boxes[box_of_[n]];
      left = std::min(left, box.x);
      right = std::max(right, box.x + box.width);
      top = std::min(top, box.y);
      bottom = std::max(bottom, box.y + box.height);
    }
    right += kCarriedWidth;
    const Svg::Box frame{left - kFramePad, top - kFramePad - 14, right - left + 2 * kFramePad,
                         bottom - top + 2 * kFramePad + 14};
    svg.rect(frame, "rx=\"8\" fill=\"#f8fafc\" stroke=\"#cbd5e1\" stroke-dasharray=\"6 4\"");
    const size_t last = fold.first + (fold.repeats - 1) * fold.period;
    const std::string begin = layer_of(graph_.nodes[fold.first].source);
    const std::string end = layer_of(graph_.nodes[last].source);
    const std::string range = begin == end ? "" : fmt::format("   {} \u2026 {}", begin, end);
    svg.text(frame.x + 8, frame.y + 15, fmt::format("\u00d7 {}{}", fold.repeats, range),
             Anchor::Start, "font-weight=\"bold\" fill=\"#475569\"");
    double lane = right - 14;
    for (const auto& [from, to] : carried_) {
      if (!fold.has(boxes_[from].node)) continue;
      draw_carried(svg, layout_.boxes[from], layout_.boxes[to], lane);
      lane += 6;
    }
  }

  static void draw_carried(Svg& svg, const LayoutBox& from, const LayoutBox& to, double lane) {
    const double y1 = from.y + from.height / 2, y2 = to.y + to.height / 2;
    svg.path(fmt::format("M {:.1f} {:.1f} L {:.1f} {:.1f} L {:.1f} {:.1f} L {:.1f} {:.1f}",
                         from.x + from.width, y1, lane, y1, lane, y2, to.x + to.width + 1, y2),
             kCarried);
  }

  void draw_edge(Svg& svg, const LayoutEdge& edge) const {
    std::string path;
    for (size_t i = 0; i < edge.points.size(); ++i) {
      const double x = edge.points[i].first + kMargin, y = edge.points[i].second + kTop;
      if (i == 0) {
        path = fmt::format("M {:.1f} {:.1f}", x, y);
      } else if (i % 2 == 1) {
        path += fmt::format(" L {:.1f} {:.1f}", x, y);
      } else {
        const double x0 = edge.points[i - 1].first + kMargin;
        const double y0 = edge.points[i - 1].second + kTop, half = (y - y0) / 2;
        path += fmt::format(" C {:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}", x0, y0 + half, x,
                            y - half, x, y);
      }
    }
    svg.path(path, kEdge);
  }

  void draw_box(Svg& svg, size_t index) const {
    const NodeBox& box = boxes_[index];
    const LayoutBox& place = layout_.boxes[index];
    const auto phase = static_cast<size_t>(graph_.nodes[box.node].phase);
    svg.rect({place.x, place.y, place.width, place.height}, box_style(phase), tip(box.node));
    double y = place.y + kBoxPad + kLine - 3;
    svg.text(place.x + kBoxPad, y, box.title, Anchor::Start, kTitleFont);
    for (const DetailLine& line : box.lines) {
      y += kLine;
      svg.text(place.x + kBoxPad, y, line.text, Anchor::Start,
               fmt::format("{} fill=\"{}\"", kDetailFont, line.colour));
    }
  }

  std::string tip(size_t n) const {
    const Node& node = graph_.nodes[n];
    std::string text = fmt::format("node {}: {}", order_[n], node.op->name);
    for (const auto& [name, attr] : node.attrs.entries()) {
      text += fmt::format("\n{} = {}", name, show_attr(attr));
    }
    return text;
  }

  const std::vector<size_t> order_;  // numbers of the nodes in the graph that was given
  const Graph graph_;
  const std::vector<NodeId> producers_;
  const std::vector<Fold> folds_;
  std::vector<size_t> box_of_;  // by shown node
  std::vector<NodeBox> boxes_;
  std::vector<std::pair<size_t, size_t>> carried_;
  Layout layout_;
};

}  // namespace

std::string draw_graph(const Graph& graph) {
  return GraphDrawing(graph).draw();
}

}  // namespace verge::graph
