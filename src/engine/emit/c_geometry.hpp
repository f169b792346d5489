#pragma once
// The structs of shared_code.hpp, written for the shapes of a node.

#include <span>
#include <string>
#include <vector>

#include <verge/core/shape.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::emit {

/// Element strides of a row-major tensor.
std::vector<int64_t> row_major(const Shape& shape);
/// The strides of `from` under the axes of `to`, 0 where it is broadcast.
std::vector<int64_t> broadcast_strides(const Shape& from, const Shape& to);

/// "&(struct walk){...}" over `dims`, axes that every tensor walks together joined.
std::string c_walk(std::vector<int64_t> dims, std::vector<std::vector<int64_t>> strides);
std::string c_window(const graph::Window2d& window);

}  // namespace verge::emit
