// Parts of tensors and tensors of parts.

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

constexpr int64_t kMostPositions = 1 << 18;

Status concat(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(node.input_count()));
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const int rank = node.rank(node.in(0));
  VERGE_TRY(const int axis, node.axis_of(node.integer("axis", 1), rank));
  std::vector<Value> parts;
  for (Value value : node.inputs()) {
    if (node.rank(value) == rank && node.shape(value)[axis] > 0) parts.push_back(value);
    if (node.rank(value) != rank) return node.malformed("its inputs differ in their axes");
  }
  if (parts.empty()) parts.push_back(node.in(0));
  const Value y = parts.size() == 1
                      ? parts[0]
                      : node.emit("concat", parts, {{"axis", static_cast<int64_t>(axis)}});
  node.set_output(0, y);
  return {};
}

// Positions one behind the other as a slice, whose gradient is nothing but zeros beside it; others
// as a list of i32, which has a fast kernel.
Value picked_at(NodeContext& node, Value x, int axis, const std::vector<int64_t>& positions) {
  const int64_t n = node.shape(x)[axis];
  const auto from_front = [n](int64_t at) { return at < 0 ? at + n : at; };
  const auto follows = [&](int64_t a, int64_t b) { return from_front(b) == from_front(a) + 1; };
  const bool is_run =
      !positions.empty() && !node.has_open_rows(x, axis) &&
      std::ranges::adjacent_find(positions, std::not_fn(follows)) == positions.end();
  if (!is_run) return node.gather(x, axis, positions);
  return node.slice(x, axis, from_front(positions[0]), std::ssize(positions));
}

Status gather(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  const Value x = node.in(0), indices = node.in(1);
  VERGE_TRY(const int axis, node.axis_of(node.integer("axis"), node.rank(x)));
  const auto n = static_cast<double>(node.shape(x)[axis]);
  if (node.is_known(indices)) {
    for (double index : node.values(indices)) {
      if (!(index >= -n && index < n)) {
        return node.malformed(fmt::format("index {} of {}", index, n));
      }
    }
  }
  if (!node.is_known(indices)) {
    node.set_output(0, node.emit("gather", {x, indices}, {{"axis", static_cast<int64_t>(axis)}}));
    return {};
  }
  VERGE_TRY(const auto list, node.known_integers(1));
  const Shape from = node.shape(x), picked = node.shape(indices);
  std::vector<int64_t> shape(from.extents().begin(), from.extents().begin() + axis);
  shape.insert(shape.end(), picked.extents().begin(), picked.extents().end());
  shape.insert(shape.end(), from.extents().begin() + axis + 1, from.extents().end());
  if (shape.size() > Shape::kMaxRank) return node.unsupported("more than 6 axes");
  node.set_output(0, node.reshape(picked_at(node, x, axis, list), shape));
  return {};
}

struct Cut {
  int64_t start, end, step;
};

// ONNX's rule: negative positions count from the end, then all are cut to the axis.
std::vector<int64_t> positions_of(const Cut& cut, int64_t extent) {
  const auto from_front = [&](int64_t at) { return at < 0 ? at + extent : at; };
  std::vector<int64_t> positions;
  if (cut.step > 0) {
    const int64_t start = std::clamp(from_front(cut.start), int64_t{0}, extent);
    const int64_t end = std::clamp(from_front(cut.end), int64_t{0}, extent);
    for (int64_t at = start; at < end; at += cut.step) positions.push_back(at);
  } else {
    const int64_t start = std::clamp(from_front(cut.start), int64_t{-1}, extent - 1);
    const int64_t end = std::clamp(from_front(cut.end), int64_t{-1}, extent - 1);
    for (int64_t at = start; at > end; at += cut.step) positions.push_back(at);
  }
  return positions;
}

Status slice(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  VERGE_TRY(const auto starts, node.integers_of(1, "starts"));
  VERGE_TRY(const auto ends, node.integers_of(2, "ends"));
  VERGE_TRY(auto axes, node.integers_of(3, "axes"));
  VERGE_TRY(auto steps, node.integers_of(4, "steps"));
  if (axes.empty()) {
    axes.resize(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      steps.size() != starts.size()) {
    return node.malformed("starts, ends, axes and steps differ in length");
  }
  Value y = node.in(0);
  for (size_t i = 0; i < starts.size() && !node.failed(); ++i) {
    VERGE_TRY(const int axis, node.axis_of(axes[i], node.rank(y)));
    const int64_t extent = node.shape(y)[axis];
    if (steps[i] == 0) return node.malformed("a step is 0");
    if (node.has_open_rows(y, axis) && (starts[i] < 0 || ends[i] < 0)) {
      return node.unsupported("it counts from the last of the boxes that are selected");
    }
    if (extent > kMostPositions && steps[i] != 1) return node.unsupported("steps along so many");
    if (steps[i] == 1) {
      const auto at = [&](int64_t p) {
        return std::clamp(p < 0 ? p + extent : p, int64_t{0}, extent);
      };
      y = node.slice(y, axis, at(starts[i]), std::max<int64_t>(0, at(ends[i]) - at(starts[i])));
      continue;
    }
    const auto positions = positions_of({starts[i], ends[i], steps[i]}, extent);
    y = positions.empty() ? node.slice(y, axis, 0, 0) : node.gather(y, axis, positions);
  }
  node.set_output(0, y);
  return {};
}

// The sizes are an input, an attribute, or as equal as they can be.
Result<std::vector<int64_t>> split_sizes(NodeContext& node, int64_t extent) {
  VERGE_TRY(std::vector<int64_t> sizes, node.integers_of(1, "split"));
  const auto parts = static_cast<int64_t>(node.node().outputs.size());
  if (sizes.empty() && parts > 0) {
    const int64_t each = (extent + parts - 1) / parts;
    for (int64_t i = 0; i < parts; ++i) {
      sizes.push_back(std::clamp<int64_t>(extent - i * each, 0, each));
    }
  }
  int64_t sum = 0;
  for (int64_t size : sizes) {
    if (size < 0 || size > extent) return node.malformed("a part is larger than the whole");
    sum += size;
  }
  if (sum == extent && sizes.size() == node.node().outputs.size()) return sizes;
  return node.malformed(
      fmt::format("parts [{}] of {} for {} outputs", fmt::join(sizes, ", "), extent, parts));
}

Status split(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const Value x = node.in(0);
  VERGE_TRY(const int axis, node.axis_of(node.integer("axis"), node.rank(x)));
  VERGE_TRY(const auto sizes, split_sizes(node, node.shape(x)[axis]));
  int64_t start = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    node.set_output(i, node.slice(x, axis, start, sizes[i]));
    start += sizes[i];
  }
  return {};
}

// Both shapes are repeated to each other's.
Status expand(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const Shape from = node.shape(node.in(0));
  VERGE_TRY(std::vector<int64_t> to, node.known_integers(1));
  if (to.size() > Shape::kMaxRank) return node.unsupported("more than 6 axes");
  while (static_cast<int>(to.size()) < from.rank()) to.insert(to.begin(), 1);
  for (int i = 0; i < from.rank(); ++i) {
    int64_t& extent = to[to.size() - static_cast<size_t>(from.rank() - i)];
    if (extent == 1) extent = from[i];
  }
  node.set_output(0, node.broadcast(node.in(0), Shape(std::span<const int64_t>(to))));
  return {};
}

Status tile(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  VERGE_TRY(const auto repeats, node.known_integers(1));
  Value y = node.in(0);
  if (static_cast<int>(repeats.size()) != node.rank(y))
    return node.malformed("its repeats differ in number from the axes");
  for (size_t axis = 0; axis < repeats.size() && !node.failed(); ++axis) {
    const int64_t extent = node.shape(y)[static_cast<int>(axis)];
    if (repeats[axis] == 1) continue;
    if (repeats[axis] < 1 || repeats[axis] > kMostPositions / std::max<int64_t>(1, extent)) {
      return node.unsupported(fmt::format("{} repeats", repeats[axis]));
    }
    std::vector<int64_t> positions;
    for (int64_t i = 0; i < repeats[axis] * extent; ++i) positions.push_back(i % extent);
    y = node.gather(y, static_cast<int>(axis), positions);
  }
  node.set_output(0, y);
  return {};
}

constexpr OnnxOp kOps[] = {
    {"Concat", concat}, {"Expand", expand}, {"Gather", gather},
    {"Slice", slice},   {"Split", split},   {"Tile", tile},
};

}  // namespace

OpGroup indexing() {
  return {kOps};
}

}  // namespace verge::onnx::ops
