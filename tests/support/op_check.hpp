#pragma once
// Checks of one operator: its shape rule, its reference, its gradient against central differences.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/shape_rules.hpp>

#include "graph_runner.hpp"

namespace verge::support {

/// One input of the operator under test; absent when dtype_known is false.
struct Operand {
  graph::Type type;
  std::vector<double> values;
  bool trainable = false;
  bool absent = false;
};

inline int64_t count_of(const graph::Dims& dims) {
  int64_t count = 1;
  for (const graph::Dim& dim : dims) count *= dim.factor;
  return count;
}

/// Uniform in [low, high), f64: fixed, or differentiated with respect to.
inline Operand random_operand(graph::Dims dims, bool trainable, double low, double high) {
  static uint64_t stream = 0;
  Rng rng(1, ++stream);
  Operand operand{{DType::F64, dims}, {}, trainable};
  for (int64_t i = 0; i < count_of(dims); ++i) {
    operand.values.push_back(low + (high - low) * rng.uniform());
  }
  return operand;
}
inline Operand trained(graph::Dims dims, double low = -1, double high = 1) {
  return random_operand(std::move(dims), true, low, high);
}
inline Operand fixed(graph::Dims dims, double low = -1, double high = 1) {
  return random_operand(std::move(dims), false, low, high);
}
inline Operand given(graph::Dims dims, std::vector<double> values, DType dtype = DType::F64) {
  return {{dtype, std::move(dims)}, std::move(values)};
}
inline Operand integers(graph::Dims dims, std::vector<double> values) {
  return given(std::move(dims), std::move(values), DType::I32);
}
inline Operand absent() {
  return {{}, {}, false, true};
}

/// The operands as values "x0", "x1", ... of a graph.
inline std::vector<graph::ValueId> declare(graph::Builder& b,
                                           const std::vector<Operand>& operands) {
  std::vector<graph::ValueId> ids;
  for (const Operand& operand : operands) {
    const std::string name = "x" + std::to_string(ids.size());
    ids.push_back(operand.absent      ? graph::kNone
                  : operand.trainable ? b.param(name, operand.type)
                                      : b.state(name, operand.type));
  }
  return ids;
}

inline void fill(GraphRunner& runner, const std::vector<Operand>& operands) {
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i].absent) runner.set("x" + std::to_string(i), operands[i].values);
  }
}

/// What the shape rule says: the outputs' types, or the error's message.
inline std::string inferred(std::string_view op, const std::vector<graph::Type>& types,
                            const graph::Attrs& attrs = {}) {
  graph::Builder b("infer");
  b.symbol("n", 8);  // symbol 0, for the types of the caller
  std::vector<graph::ValueId> inputs;
  for (const graph::Type& type : types)
    inputs.push_back(b.state(std::to_string(inputs.size()), type));
  const std::vector<graph::ValueId> outputs = b.op_all(op, inputs, attrs);
  if (b.failed()) return b.finish().error().message;
  std::string text;
  for (graph::ValueId id : outputs) {
    const graph::Type& type = b.type(id);
    text += (text.empty() ? "" : ", ") + std::string(name(type.dtype)) + " " +
            graph::show_dims(b.graph(), type.dims);
  }
  return text;
}

/// Runs the operator's reference; the values of all outputs.
inline std::vector<std::vector<double>> evaluate(std::string_view op,
                                                 const std::vector<Operand>& operands,
                                                 const graph::Attrs& attrs = {}) {
  graph::Builder b("evaluate");
  const std::vector<graph::ValueId> outputs = b.op_all(op, declare(b, operands), attrs);
  const Result<graph::Graph> graph = b.finish();
  if (!graph) throw std::runtime_error(graph.error().message);
  GraphRunner runner(*graph);
  fill(runner, operands);
  runner.run();
  std::vector<std::vector<double>> values;
  for (graph::ValueId id : outputs) values.push_back(runner.get(id));
  return values;
}

inline void expect_near(const std::vector<double>& found, const std::vector<double>& wanted,
                        double tolerance = 1e-12) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], wanted[i], tolerance * std::max(1.0, std::abs(wanted[i]))) << "at " << i;
  }
}

/// Output 0 of the operator has these values.
inline void expect_values(std::string_view op, const std::vector<Operand>& operands,
                          const graph::Attrs& attrs, const std::vector<double>& wanted,
                          double tolerance = 1e-12) {
  expect_near(evaluate(op, operands, attrs)[0], wanted, tolerance);
}

/// The gradients of a scalar of a graph by central differences agree with those of autodiff.
/// `parameters` names the values to differentiate by; all must be f64 and set in `runner`.
inline void expect_gradients_agree(GraphRunner& runner, graph::ValueId loss,
                                   const std::vector<std::string>& parameters,
                                   const std::vector<graph::ValueId>& gradients) {
  constexpr double kStep = 1e-5, kTolerance = 1e-6;
  runner.run();
  std::vector<std::vector<double>> analytic;
  for (graph::ValueId id : gradients) analytic.push_back(runner.get(id));
  for (size_t p = 0; p < parameters.size(); ++p) {
    const std::vector<double> at = runner.get(parameters[p]);
    ASSERT_EQ(at.size(), analytic[p].size());
    for (size_t i = 0; i < at.size(); ++i) {
      double losses[2];
      for (int side = 0; side < 2; ++side) {
        std::vector<double> moved = at;
        moved[i] += side == 0 ? kStep : -kStep;
        runner.set(parameters[p], moved);
        runner.run();
        losses[side] = runner.get(loss)[0];
      }
      runner.set(parameters[p], at);
      const double numeric = (losses[0] - losses[1]) / (2 * kStep);
      const double scale = std::max({1.0, std::abs(numeric), std::abs(analytic[p][i])});
      EXPECT_NEAR(analytic[p][i], numeric, kTolerance * scale) << parameters[p] << " at " << i;
    }
  }
}

/// Checks the gradient of sum(outputs * random weights) by every trained operand.
inline void expect_gradient(std::string_view op, const std::vector<Operand>& operands,
                            const graph::Attrs& attrs = {},
                            const std::vector<size_t>& outputs = {0}) {
  using graph::ValueId;
  graph::Builder b("gradient");
  const std::vector<ValueId> inputs = declare(b, operands);
  const std::vector<ValueId> results = b.op_all(op, inputs, attrs);
  ASSERT_FALSE(b.failed()) << b.finish().error().message;
  std::vector<Operand> all = operands;
  ValueId loss = graph::kNone;
  for (size_t output : outputs) {
    all.push_back(fixed(b.type(results[output]).dims));
    const ValueId weights = b.state("x" + std::to_string(all.size() - 1), all.back().type);
    std::vector<int64_t> axes(all.back().type.dims.size());
    for (size_t axis = 0; axis < axes.size(); ++axis) axes[axis] = static_cast<int64_t>(axis);
    const ValueId sum =
        b.op("reduce_sum", {b.op("mul", {results[output], weights})}, {{"axes", axes}});
    loss = loss == graph::kNone ? sum : b.op("add", {loss, sum});
  }
  std::vector<ValueId> trainable;
  std::vector<std::string> names;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i].trainable) continue;
    trainable.push_back(inputs[i]);
    names.push_back("x" + std::to_string(i));
  }
  Result<graph::Graph> forward = b.finish();
  ASSERT_TRUE(forward) << forward.error().message;
  const auto joint = graph::differentiate(std::move(*forward), loss, trainable);
  ASSERT_TRUE(joint) << joint.error().message;
  GraphRunner runner(joint->graph);
  fill(runner, all);
  expect_gradients_agree(runner, loss, names, joint->gradients);
}

}  // namespace verge::support
