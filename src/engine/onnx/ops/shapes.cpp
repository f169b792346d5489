// The same elements under another shape, or in another order.

#include <algorithm>
#include <numeric>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

constexpr std::string_view kOpenRows =
    "how many boxes NonMaxSuppression selects is known only when the network runs; export the "
    "network without what depends on it";

std::vector<int64_t> extents_of(NodeContext& node, Value x) {
  const Shape shape = node.shape(x);
  return {shape.extents().begin(), shape.extents().end()};
}

int64_t product(std::span<const int64_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), int64_t{1}, std::multiplies<>());
}

Status shape(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const std::vector<int64_t> extents = extents_of(node, node.in(0));
  const auto rank = static_cast<int64_t>(extents.size());
  const auto position = [&](int64_t at) {
    return std::clamp(at < 0 ? at + rank : at, int64_t{0}, rank);
  };
  const int64_t start = position(node.integer("start", 0));
  const int64_t end = std::max(start, position(node.integer("end", rank)));
  for (int64_t axis = start; axis < end; ++axis) {
    if (node.has_open_rows(node.in(0), static_cast<int>(axis))) return node.unsupported(kOpenRows);
  }
  const std::vector<double> part(extents.begin() + start, extents.begin() + end);
  node.set_output(0, node.constant(part, Shape{end - start}, ElementType::Int64));
  return {};
}

Status size(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  if (node.has_open_rows(node.in(0))) return node.unsupported(kOpenRows);
  const auto count = static_cast<double>(node.shape(node.in(0)).count());
  node.set_output(0, node.scalar(count, ElementType::Int64));
  return {};
}

// 0 takes the extent of x unless {allowzero}; one -1 is what is left over.
Status reshape(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const Value x = node.in(0);
  const std::vector<int64_t> from = extents_of(node, x);
  VERGE_TRY(std::vector<int64_t> to, node.integers_of(1, "shape"));
  if (to.size() > Shape::kMaxRank) return node.unsupported("more than 6 axes");
  int64_t known = 1, open = -1;
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i] == 0 && node.integer("allowzero") == 0) {
      if (i >= from.size()) return node.malformed("it copies an extent that is not there");
      to[i] = from[i];
    }
    if (to[i] < -1 || (to[i] == -1 && open >= 0) ||
        __builtin_mul_overflow(known, to[i] == -1 ? 1 : to[i], &known)) {
      return node.malformed(fmt::format("to the shape [{}]", fmt::join(to, ", ")));
    }
    if (to[i] == -1) open = static_cast<int64_t>(i);
  }
  if (open >= 0) {
    if (known == 0 || product(from) % known != 0) {
      return node.malformed(
          fmt::format("[{}] to the shape [{}]", fmt::join(from, ", "), fmt::join(to, ", ")));
    }
    to[static_cast<size_t>(open)] = product(from) / known;
  }
  node.set_output(0, node.reshape(x, to));
  return {};
}

Status flatten(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const std::vector<int64_t> extents = extents_of(node, node.in(0));
  const auto rank = static_cast<int64_t>(extents.size());
  const int64_t given = node.integer("axis", 1), axis = given < 0 ? given + rank : given;
  if (axis < 0 || axis > rank) return node.malformed(fmt::format("axis {} of {}", given, rank));
  const auto all = std::span(extents);
  const auto at = static_cast<size_t>(axis);
  node.set_output(0, node.reshape(node.in(0), {product(all.first(at)), product(all.subspan(at))}));
  return {};
}

Status squeeze(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const std::vector<int64_t> extents = extents_of(node, node.in(0));
  VERGE_TRY(const auto axes, node.integers_of(1, "axes"));
  std::vector<bool> dropped(extents.size());
  for (int64_t axis : axes) {
    VERGE_TRY(const int at, node.axis_of(axis, static_cast<int>(extents.size())));
    if (extents[static_cast<size_t>(at)] != 1) {
      return node.malformed(
          fmt::format("axis {} of [{}] is not 1", axis, fmt::join(extents, ", ")));
    }
    dropped[static_cast<size_t>(at)] = true;
  }
  std::vector<int64_t> kept;
  for (size_t i = 0; i < extents.size(); ++i) {
    if (axes.empty() ? extents[i] != 1 : !dropped[i]) kept.push_back(extents[i]);
  }
  node.set_output(0, node.reshape(node.in(0), kept));
  return {};
}

Status unsqueeze(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  std::vector<int64_t> extents = extents_of(node, node.in(0));
  VERGE_TRY(std::vector<int64_t> axes, node.integers_of(1, "axes"));
  const auto rank = static_cast<int>(extents.size() + axes.size());
  if (rank > Shape::kMaxRank) return node.unsupported("more than 6 axes");
  for (int64_t& axis : axes) {
    VERGE_TRY(axis, node.axis_of(axis, rank));
  }
  std::ranges::sort(axes);
  if (std::ranges::adjacent_find(axes) != axes.end()) {
    return node.malformed("an axis is named twice");
  }
  for (int64_t axis : axes) extents.insert(extents.begin() + axis, 1);
  node.set_output(0, node.reshape(node.in(0), extents));
  return {};
}

Status transpose(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  std::vector<int64_t> perm = node.integers("perm");
  if (perm.empty()) {
    for (int axis = node.rank(node.in(0)); axis-- > 0;) perm.push_back(axis);
  }
  std::vector<int64_t> sorted = perm, axes(static_cast<size_t>(node.rank(node.in(0))));
  std::ranges::sort(sorted);
  std::iota(axes.begin(), axes.end(), 0);
  if (sorted != axes) {
    return node.malformed(fmt::format("perm [{}] of {} axes", fmt::join(perm, ", "), axes.size()));
  }
  const bool changes = !std::ranges::is_sorted(perm);
  node.set_output(0, changes ? node.transpose(node.in(0), perm) : node.in(0));
  return {};
}

// [n, c, h, w] with blocks of b x b: channels become pixels, in either order of ONNX.
Status depth_to_space(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const std::vector<int64_t> x = extents_of(node, node.in(0));
  const int64_t b = node.integer("blocksize");
  if (x.size() != 4 || b < 1 || b > 1024 || x[1] % (b * b) != 0) {
    return node.malformed(fmt::format("[{}] by blocks of {}", fmt::join(x, ", "), b));
  }
  const int64_t c = x[1] / (b * b);
  const bool is_crd = node.text("mode", "DCR") == "CRD";
  const Value split = is_crd ? node.reshape(node.in(0), {x[0], c, b, b, x[2], x[3]})
                             : node.reshape(node.in(0), {x[0], b, b, c, x[2], x[3]});
  const Value moved = is_crd ? node.transpose(split, {0, 1, 4, 2, 5, 3})
                             : node.transpose(split, {0, 3, 4, 1, 5, 2});
  node.set_output(0, node.reshape(moved, {x[0], c, x[2] * b, x[3] * b}));
  return {};
}

Status space_to_depth(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const std::vector<int64_t> x = extents_of(node, node.in(0));
  const int64_t b = node.integer("blocksize");
  if (x.size() != 4 || b < 1 || b > 1024 || x[2] % b != 0 || x[3] % b != 0) {
    return node.malformed(fmt::format("[{}] by blocks of {}", fmt::join(x, ", "), b));
  }
  const int64_t h = x[2] / b, w = x[3] / b;
  const Value split = node.reshape(node.in(0), {x[0], x[1], h, b, w, b});
  const Value moved = node.transpose(split, {0, 3, 5, 1, 2, 4});
  node.set_output(0, node.reshape(moved, {x[0], b * b * x[1], h, w}));
  return {};
}

constexpr OnnxOp kOps[] = {
    {"DepthToSpace", depth_to_space},
    {"Flatten", flatten},
    {"Reshape", reshape},
    {"Shape", shape},
    {"Size", size},
    {"SpaceToDepth", space_to_depth},
    {"Squeeze", squeeze},
    {"Transpose", transpose},
    {"Unsqueeze", unsqueeze},
};

}  // namespace

OpGroup shapes() {
  return {kOps};
}

}  // namespace verge::onnx::ops
