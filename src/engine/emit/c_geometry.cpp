#include <fmt/ranges.h>

#include <verge/engine/emit/c_geometry.hpp>

namespace verge::emit {
namespace {

void erase_axis(std::vector<int64_t>& dims, std::vector<std::vector<int64_t>>& strides,
                size_t axis) {
  const auto at = static_cast<std::ptrdiff_t>(axis);
  dims.erase(dims.begin() + at);
  for (auto& of : strides) of.erase(of.begin() + at);
}

bool walk_together(const std::vector<int64_t>& dims,
                   const std::vector<std::vector<int64_t>>& strides, size_t axis) {
  for (const auto& of : strides) {
    if (of[axis] != of[axis + 1] * dims[axis + 1]) return false;
  }
  return true;
}

std::string braces(const std::vector<int64_t>& values) {
  return values.empty() ? "{0}" : fmt::format("{{{}}}", fmt::join(values, ", "));
}

}  // namespace

std::vector<int64_t> row_major(const Shape& shape) {
  std::vector<int64_t> strides(static_cast<size_t>(shape.rank()), 1);
  for (size_t axis = strides.size(); axis-- > 1;) {
    strides[axis - 1] = strides[axis] * shape[static_cast<int>(axis)];
  }
  return strides;
}

std::vector<int64_t> broadcast_strides(const Shape& from, const Shape& to) {
  const std::vector<int64_t> own = row_major(from);
  std::vector<int64_t> strides(static_cast<size_t>(to.rank()));
  const auto skipped = static_cast<size_t>(to.rank() - from.rank());
  for (size_t axis = 0; axis < own.size(); ++axis) {
    const bool repeats = from[static_cast<int>(axis)] == 1;
    strides[skipped + axis] = repeats ? 0 : own[axis];
  }
  return strides;
}

std::string c_walk(std::vector<int64_t> dims, std::vector<std::vector<int64_t>> strides) {
  for (size_t axis = dims.size(); axis-- > 0;) {
    if (dims[axis] == 1) erase_axis(dims, strides, axis);
  }
  if (dims.empty()) {
    dims = {1};
    for (auto& of : strides) of = {1};
  }
  for (size_t axis = dims.size() - 1; axis-- > 0;) {
    if (!walk_together(dims, strides, axis)) continue;
    dims[axis + 1] *= dims[axis];
    erase_axis(dims, strides, axis);
  }
  const int64_t inner = dims.back();
  dims.pop_back();
  int64_t outer = 1;
  for (const int64_t extent : dims) outer *= extent;
  strides.resize(3, std::vector<int64_t>(dims.size() + 1));
  std::vector<int64_t> steps;
  std::vector<std::string> rows;
  for (auto& of : strides) {
    steps.push_back(of.back());
    of.pop_back();
    rows.push_back(braces(of));
  }
  return fmt::format("&(struct walk){{{}, {}, {}, {}, {{{}}}, {}}}", outer, inner, dims.size(),
                     braces(dims), fmt::join(rows, ", "), braces(steps));
}

std::string c_window(const graph::Window2d& w) {
  return fmt::format("&(struct window){{{}, {}, {}, {}, {}, {}, {}, {}, {}}}", w.kernel[0],
                     w.kernel[1], w.strides[0], w.strides[1], w.pads[0], w.pads[1], w.dilations[0],
                     w.dilations[1], w.groups);
}

}  // namespace verge::emit
