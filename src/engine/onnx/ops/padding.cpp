// Pad: a border of one value, or of the tensor's own.

#include <algorithm>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

constexpr int64_t kMostPadding = 1 << 16, kMostPositions = 1 << 18;

struct Borders {
  std::vector<int64_t> before, after;  // by axis; negative ones cut
};

Result<Borders> read_borders(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  VERGE_TRY(const auto pads, node.integers_of(1, node.opset() < 2 ? "paddings" : "pads"));
  const int rank = node.rank(node.in(0));
  std::vector<int64_t> axes;
  if (node.has_input(3)) {
    VERGE_TRY(axes, node.known_integers(3));
  } else {
    for (int axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  if (pads.size() != 2 * axes.size()) {
    return node.malformed(fmt::format("{} pads for {} axes", pads.size(), axes.size()));
  }
  Borders borders;
  borders.before.resize(static_cast<size_t>(rank));
  borders.after = borders.before;
  for (size_t i = 0; i < axes.size(); ++i) {
    VERGE_TRY(const int axis, node.axis_of(axes[i], rank));
    const int64_t before = pads[i], after = pads[i + axes.size()];
    const int64_t extent = node.shape(node.in(0))[axis];
    if (extent < 1 || before > kMostPadding || after > kMostPadding || before < -extent ||
        after < -extent || before + after < -extent) {
      return node.malformed(fmt::format("{} and {} around {}", before, after, extent));
    }
    borders.before[static_cast<size_t>(axis)] = before;
    borders.after[static_cast<size_t>(axis)] = after;
  }
  return borders;
}

// The element of an axis of `extent` that stands at position `at`, which may be outside.
Result<int64_t> source_of(NodeContext& node, std::string_view mode, int64_t at, int64_t extent) {
  if (mode == "edge") return std::clamp(at, int64_t{0}, extent - 1);
  if (mode == "wrap") return (at % extent + extent) % extent;
  if (mode != "reflect") return node.unsupported(fmt::format("mode \"{}\"", mode));
  const int64_t period = std::max<int64_t>(1, 2 * (extent - 1));
  const int64_t inside = (at % period + period) % period;
  return inside < extent ? inside : period - inside;
}

Result<Value> by_copies(NodeContext& node, std::string_view mode, const Borders& borders) {
  Value y = node.in(0);
  for (size_t axis = 0; axis < borders.before.size() && !node.failed(); ++axis) {
    const int64_t extent = node.shape(y)[static_cast<int>(axis)];
    if (borders.before[axis] == 0 && borders.after[axis] == 0) continue;
    if (extent + borders.before[axis] + borders.after[axis] > kMostPositions) {
      return node.unsupported(fmt::format("mode \"{}\" along {} elements", mode, extent));
    }
    std::vector<int64_t> positions;
    for (int64_t at = -borders.before[axis]; at < extent + borders.after[axis]; ++at) {
      VERGE_TRY(const int64_t source, source_of(node, mode, at, extent));
      positions.push_back(source);
    }
    y = node.gather(y, static_cast<int>(axis), positions);
  }
  return y;
}

Result<Value> by_value(NodeContext& node, Borders borders) {
  double value = node.real("value", 0);
  if (node.has_input(2)) {
    VERGE_TRY(const auto values, node.known_reals(2));
    if (values.size() > 1) return node.malformed("its value is not one number");
    if (!values.empty()) value = values[0];
  }
  Value y = node.in(0);
  for (size_t axis = 0; axis < borders.before.size() && !node.failed(); ++axis) {
    int64_t &before = borders.before[axis], &after = borders.after[axis];
    const int64_t cut = std::max<int64_t>(0, -before), cut_after = std::max<int64_t>(0, -after);
    const int64_t extent = node.shape(y)[static_cast<int>(axis)];
    y = node.slice(y, static_cast<int>(axis), cut, extent - cut - cut_after);
    before = std::max<int64_t>(0, before);
    after = std::max<int64_t>(0, after);
  }
  const auto is_zero = [](int64_t n) { return n == 0; };
  if (std::ranges::all_of(borders.before, is_zero) && std::ranges::all_of(borders.after, is_zero)) {
    return y;
  }
  return node.emit("pad", {y},
                   {{"before", borders.before}, {"after", borders.after}, {"value", value}});
}

Status pad(NodeContext& node) {
  VERGE_TRY(Borders borders, read_borders(node));
  const std::string mode = node.text("mode", "constant");
  if (mode == "constant") {
    VERGE_TRY(const Value y, by_value(node, std::move(borders)));
    node.set_output(0, y);
    return {};
  }
  VERGE_TRY(const Value y, by_copies(node, mode, borders));
  node.set_output(0, y);
  return {};
}

constexpr OnnxOp kOps[] = {{"Pad", pad}};

}  // namespace

OpGroup padding() {
  return {kOps};
}

}  // namespace verge::onnx::ops
