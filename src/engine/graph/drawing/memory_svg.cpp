#include <algorithm>

#include <verge/core/svg.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/graph/drawing/memory_svg.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::graph {
namespace {

constexpr double kWidth = 1240, kLeft = 80, kRight = 900, kMapTop = 76, kBottom = 480;
constexpr double kCurveTop = 530, kCurveBottom = 680, kHeight = 740, kListX = 930;
constexpr size_t kListed = 24;
// Two shades a phase, so that neighbours differ.
constexpr const char* kBufferFills[][2] = {
    {"#bfdbfe", "#dbeafe"}, {"#fed7aa", "#ffedd5"}, {"#a7f3d0", "#d1fae5"}};
constexpr const char* kGrey = "fill=\"#64748b\"";
constexpr const char* kGrid = "stroke=\"#e5e7eb\"";
constexpr const char* kPeakLine = "stroke=\"#dc2626\" stroke-dasharray=\"3 3\"";
constexpr const char* kBoundLine = "stroke=\"#16a34a\" stroke-width=\"1.5\"";
constexpr const char* kArenaLine = "stroke=\"#0f172a\" stroke-dasharray=\"6 3\"";

class MemoryDrawing {
 public:
  MemoryDrawing(const Graph& graph, const MemoryPlan& plan)
      : graph_(graph),
        plan_(plan),
        nodes_(std::max<size_t>(1, graph.nodes.size())),
        arena_(static_cast<double>(std::max<int64_t>(1, plan.arena_bytes))),
        svg_(kWidth, kHeight) {}

  std::string draw() {
    draw_heading();
    draw_axes(kMapTop, kBottom);
    for (size_t i = 0; i < plan_.buffers.size(); ++i) draw_buffer(i);
    draw_axes(kCurveTop, kCurveBottom);
    draw_curve();
    const double peak = at_node(plan_.peak_node) + step() / 2;
    svg_.line(peak, kMapTop, peak, kBottom, kPeakLine);
    svg_.line(peak, kCurveTop, peak, kCurveBottom, kPeakLine);
    draw_peak_list();
    return svg_.finish();
  }

 private:
  double step() const { return (kRight - kLeft) / static_cast<double>(nodes_); }
  double at_node(int64_t node) const { return kLeft + step() * static_cast<double>(node); }
  double at_bytes(double bytes, double top, double bottom) const {
    return bottom - bytes / arena_ * (bottom - top);
  }
  bool is_at_peak(const Buffer& b) const {
    return b.first <= plan_.peak_node && plan_.peak_node <= b.last;
  }

  void draw_heading() {
    svg_.text(kLeft, 28, "Memory of " + graph_.name, Anchor::Start,
              "font-size=\"17\" font-weight=\"bold\"");
    const double bound = static_cast<double>(std::max<int64_t>(1, plan_.lower_bound_bytes));
    svg_.text(kLeft, 50,
              fmt::format("arena {}, lower bound {}, ratio {:.3f}; {} buffers, {} nodes",
                          show_bytes(plan_.arena_bytes), show_bytes(plan_.lower_bound_bytes),
                          plan_.arena_bytes == 0 ? 1.0 : arena_ / bound, plan_.buffers.size(),
                          graph_.nodes.size()),
              Anchor::Start, kGrey);
    svg_.text(kLeft, kMapTop - 8, "offset in the arena", Anchor::Start, kGrey);
    svg_.text(kLeft, kCurveTop - 8, "bytes alive", Anchor::Start, kGrey);
    svg_.text((kLeft + kRight) / 2, kCurveBottom + 36, "node, in order of execution",
              Anchor::Middle, kGrey);
  }

  void draw_axes(double top, double bottom) {
    const double unit = plan_.arena_bytes >= (1 << 20) ? 1 << 20 : 1 << 10;
    for (double mark : ticks(0, arena_ / unit)) {
      const double y = at_bytes(mark * unit, top, bottom);
      svg_.line(kLeft, y, kRight, y, kGrid);
      svg_.text(kLeft - 6, y + 4, show_bytes(static_cast<int64_t>(mark * unit)), Anchor::End,
                kGrey);
    }
    for (double node : ticks(0, static_cast<double>(nodes_))) {
      const double x = kLeft + step() * node;
      svg_.line(x, top, x, bottom, kGrid);
      svg_.text(x, bottom + 15, fmt::format("{:g}", node), Anchor::Middle, kGrey);
    }
  }

  void draw_buffer(size_t index) {
    const Buffer& buffer = plan_.buffers[index];
    const double top =
        at_bytes(static_cast<double>(buffer.offset + buffer.bytes), kMapTop, kBottom);
    const double bottom = at_bytes(static_cast<double>(buffer.offset), kMapTop, kBottom);
    const int64_t last =
        std::min(static_cast<int64_t>(buffer.last) + 1, static_cast<int64_t>(nodes_));
    const Svg::Box box{at_node(buffer.first), top, at_node(last) - at_node(buffer.first),
                       bottom - top};
    const auto phase = static_cast<size_t>(graph_.nodes[static_cast<size_t>(buffer.first)].phase);
    const bool peak = is_at_peak(buffer);
    const std::string words = describe_buffer(graph_, buffer);
    svg_.rect(
        box,
        fmt::format("fill=\"{}\" stroke=\"{}\" stroke-width=\"{}\"", kBufferFills[phase][index % 2],
                    peak ? "#475569" : "#94a3b8", peak ? 1 : 0.4),
        fmt::format("{}\n{} at offset {}, nodes {} to {}", words, show_bytes(buffer.bytes),
                    buffer.offset, buffer.first, buffer.last));
    const double size = std::min(10.0, box.height - 1);
    const bool has_room = size >= 6 && box.width >= 0.6 * size * static_cast<double>(words.size());
    if (!has_room) return;
    svg_.text(box.x + box.width / 2, (top + bottom) / 2 + 0.35 * size, words, Anchor::Middle,
              fmt::format("font-size=\"{:.1f}\"", size));
  }

  void draw_curve() {
    Svg::Points points = {{kLeft, kCurveBottom}};
    const std::vector<int64_t> live = live_bytes(plan_, graph_.nodes.size());
    for (size_t n = 0; n < live.size(); ++n) {
      const double y = at_bytes(static_cast<double>(live[n]), kCurveTop, kCurveBottom);
      points.emplace_back(at_node(static_cast<int64_t>(n)), y);
      points.emplace_back(at_node(static_cast<int64_t>(n) + 1), y);
    }
    svg_.polyline(points, "stroke=\"#2563eb\" stroke-width=\"1.5\"");
    const double bound =
        at_bytes(static_cast<double>(plan_.lower_bound_bytes), kCurveTop, kCurveBottom);
    svg_.line(kLeft, bound, kRight, bound, kBoundLine);
    svg_.line(kLeft, kCurveTop, kRight, kCurveTop, kArenaLine);
    double x = kLeft + 110;
    const auto explain = [&](const char* style, const char* words) {
      svg_.line(x, kCurveTop - 12, x + 24, kCurveTop - 12, style);
      svg_.text(x + 30, kCurveTop - 8, words, Anchor::Start, kGrey);
      x += 120;
    };
    explain("stroke=\"#2563eb\" stroke-width=\"1.5\"", "alive");
    explain(kBoundLine, "lower bound");
    explain(kArenaLine, "arena");
    explain(kPeakLine, "peak");
  }

  void draw_peak_list() {
    std::vector<const Buffer*> alive;
    for (const Buffer& buffer : plan_.buffers) {
      if (is_at_peak(buffer)) alive.push_back(&buffer);
    }
    std::ranges::stable_sort(alive, std::greater<>(), &Buffer::bytes);
    svg_.text(kListX, kMapTop, "Alive at the peak", Anchor::Start, "font-weight=\"bold\"");
    if (!graph_.nodes.empty()) {
      const Node& peak = graph_.nodes[static_cast<size_t>(plan_.peak_node)];
      svg_.text(kListX, kMapTop + 16,
                fmt::format("node {}: {} {}", plan_.peak_node, peak.op->name, peak.source),
                Anchor::Start, kGrey);
    }
    double y = kMapTop + 42;
    for (size_t i = 0; i < std::min(alive.size(), kListed); ++i, y += 23) {
      const double share =
          static_cast<double>(alive[i]->bytes) / static_cast<double>(alive[0]->bytes);
      svg_.rect({kListX, y + 3, 280 * share, 4}, "fill=\"#93c5fd\"");
      svg_.text(kListX, y, describe_buffer(graph_, *alive[i]), Anchor::Start, "font-size=\"11\"");
      svg_.text(kListX + 280, y, show_bytes(alive[i]->bytes), Anchor::End, "font-size=\"11\"");
    }
    if (alive.size() <= kListed) return;
    int64_t rest = 0;
    for (size_t i = kListed; i < alive.size(); ++i) rest += alive[i]->bytes;
    svg_.text(kListX, y, fmt::format("and {} more, {}", alive.size() - kListed, show_bytes(rest)),
              Anchor::Start, kGrey);
  }

  const Graph& graph_;
  const MemoryPlan& plan_;
  const size_t nodes_;
  const double arena_;
  Svg svg_;
};

}  // namespace

std::string draw_memory(const Graph& graph, const MemoryPlan& plan) {
  return MemoryDrawing(graph, plan).draw();
}

std::string describe_buffer(const Graph& graph, const Buffer& buffer) {
  const bool is_named = !buffer.name.empty() && buffer.name.front() != '%';
  if (is_named) return buffer.name;
  const Node& node = graph.nodes[static_cast<size_t>(buffer.first)];
  for (ValueId id : node.inputs) {  // a weight says more than the layer
    if (id == kNone || graph.value(id).kind != ValueKind::Param) continue;
    const std::string& weight = graph.value(id).name;
    return fmt::format("{} {}", node.op->name, weight.substr(0, weight.rfind(".weight")));
  }
  return fmt::format("{} {}", node.op->name, node.source);
}

}  // namespace verge::graph
