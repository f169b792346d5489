#pragma once
// Checks of one pass: the graph before and after must compute the same outputs, parameters and
// states from the same random values, and the result must be well formed.

#include <functional>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/op.hpp>

#include "graph_runner.hpp"

namespace verge::support {

inline bool outlives_run(const graph::Value& value) {
  return value.is_output || value.kind == graph::ValueKind::Param ||
         value.kind == graph::ValueKind::State;
}

/// Runs the graph on values that depend on names only. Integers are 0 or 1.
inline GraphRunner run_on_random_values(const graph::Graph& graph,
                                        const std::vector<int64_t>& extents) {
  GraphRunner runner(graph, extents);
  for (const graph::Value& value : graph.values) {
    if (value.kind == graph::ValueKind::Const || value.kind == graph::ValueKind::Activation)
      continue;
    const bool is_whole = value.type.dtype == DType::I32 || value.type.dtype == DType::I64;
    Rng rng(std::hash<std::string>{}(value.name));
    std::vector<double> values;
    for (int64_t i = graph.actual_shape(value.type, extents).count(); i > 0; --i) {
      values.push_back(is_whole ? rng.below(2) : rng.uniform() + 0.1);
    }
    runner.set(value.name, values);
  }
  runner.run();
  return runner;
}

/// What `before` and `after` leave behind agrees; names of outputs, params and states are the same.
inline void expect_same_results(const graph::Graph& before, const graph::Graph& after,
                                const std::vector<int64_t>& extents = {}) {
  const Status status = graph::verify(after);
  ASSERT_TRUE(status) << status.error().message;
  const GraphRunner wanted = run_on_random_values(before, extents);
  const GraphRunner found = run_on_random_values(after, extents);
  for (const graph::Value& value : before.values) {
    const bool may_leave = value.kind == graph::ValueKind::Param && !value.is_output;
    if (!outlives_run(value) || (may_leave && after.find(value.name) == graph::kNone)) continue;
    ASSERT_NE(after.find(value.name), graph::kNone) << value.name;
    const std::vector<double> a = wanted.get(value.name), b = found.get(value.name);
    ASSERT_EQ(a.size(), b.size()) << value.name;
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_NEAR(a[i], b[i], 1e-5 * (1 + std::abs(a[i]))) << value.name << ", element " << i;
    }
  }
}

/// How many nodes have this operator.
inline int64_t count_of(const graph::Graph& graph, std::string_view op) {
  int64_t count = 0;
  for (const graph::Node& node : graph.nodes) count += node.op->name == op;
  return count;
}

/// A tensor of constants for Builder::constant.
inline Tensor constants(Shape shape, const std::vector<double>& values, DType dtype = DType::F32) {
  Tensor tensor(dtype, shape);
  graph::store(tensor.view(), values);
  return tensor;
}

}  // namespace verge::support
