#include "op_check.hpp"

#include <algorithm>

#include <verge/core/rng.hpp>

namespace verge::support {
namespace {

using graph::ValueId;

Operand random_operand(graph::Dims dims, bool trainable, double low, double high) {
  static uint64_t stream = 0;
  Rng rng(1, ++stream);
  int64_t count = 1;
  for (const graph::Dim& dim : dims) count *= dim.factor;
  Operand operand{{DType::F64, std::move(dims)}, {}, trainable};
  for (int64_t i = 0; i < count; ++i) {
    operand.values.push_back(low + (high - low) * rng.uniform());
  }
  return operand;
}

std::string operand_name(size_t i) {
  return fmt::format("x{}", i);
}

// The operands as values "x0", "x1", ... of a graph.
std::vector<ValueId> declare(graph::Builder& b, const std::vector<Operand>& operands) {
  std::vector<ValueId> ids;
  for (const Operand& operand : operands) {
    const std::string name = operand_name(ids.size());
    ids.push_back(operand.absent      ? graph::kNone
                  : operand.trainable ? b.param(name, operand.type)
                                      : b.state(name, operand.type));
  }
  return ids;
}

void fill(GraphRunner& runner, const std::vector<Operand>& operands) {
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i].absent) runner.set(operand_name(i), operands[i].values);
  }
}

// sum(value * weights), where the weights are appended to the operands.
ValueId weighted_sum(graph::Builder& b, ValueId value, std::vector<Operand>& operands) {
  operands.push_back(fixed(b.type(value).dims));
  const Operand& weights = operands.back();
  std::vector<int64_t> axes(weights.type.dims.size());
  for (size_t axis = 0; axis < axes.size(); ++axis) axes[axis] = static_cast<int64_t>(axis);
  const ValueId product =
      b.op("mul", {value, b.state(operand_name(operands.size() - 1), weights.type)});
  return b.op("reduce_sum", {product}, {{"axes", axes}});
}

double numeric_slope(GraphRunner& runner, ValueId loss, const std::string& parameter, size_t i) {
  constexpr double kStep = 1e-5;
  const std::vector<double> at = runner.get(parameter);
  double losses[2];
  for (int side = 0; side < 2; ++side) {
    std::vector<double> moved = at;
    moved[i] += side == 0 ? kStep : -kStep;
    runner.set(parameter, moved);
    runner.run();
    losses[side] = runner.get(loss)[0];
  }
  runner.set(parameter, at);
  return (losses[0] - losses[1]) / (2 * kStep);
}

}  // namespace

Operand trained(graph::Dims dims, double low, double high) {
  return random_operand(std::move(dims), true, low, high);
}

Operand fixed(graph::Dims dims, double low, double high) {
  return random_operand(std::move(dims), false, low, high);
}

Operand given(graph::Dims dims, std::vector<double> values, DType dtype) {
  return {{dtype, std::move(dims)}, std::move(values)};
}

Operand integers(graph::Dims dims, std::vector<double> values) {
  return given(std::move(dims), std::move(values), DType::I32);
}

Operand absent() {
  return {{}, {}, false, true};
}

std::string inferred(std::string_view op, const std::vector<graph::Type>& types,
                     const graph::Attrs& attrs) {
  graph::Builder b("infer");
  b.symbol("n", 8);
  std::vector<ValueId> inputs;
  for (const graph::Type& type : types)
    inputs.push_back(b.state(operand_name(inputs.size()), type));
  const std::vector<ValueId> outputs = b.op_all(op, inputs, attrs);
  if (b.failed()) return b.finish().error().message;
  std::string text;
  for (ValueId id : outputs) {
    const graph::Type& type = b.type(id);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name(type.dtype),
                        graph::show_dims(b.graph(), type.dims));
  }
  return text;
}

void expect_refused(std::string_view op, const std::vector<graph::Type>& types,
                    const graph::Attrs& attrs, std::string_view part) {
  const std::string message = inferred(op, types, attrs);
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

std::vector<std::vector<double>> evaluate(std::string_view op, const std::vector<Operand>& operands,
                                          const graph::Attrs& attrs) {
  graph::Builder b("evaluate");
  const std::vector<ValueId> outputs = b.op_all(op, declare(b, operands), attrs);
  const Result<graph::Graph> graph = b.finish();
  if (!graph) throw std::runtime_error(graph.error().message);
  GraphRunner runner(*graph);
  fill(runner, operands);
  runner.run();
  std::vector<std::vector<double>> values;
  for (ValueId id : outputs) values.push_back(runner.get(id));
  return values;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& wanted,
                 double tolerance) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], wanted[i], tolerance * std::max(1.0, std::abs(wanted[i]))) << "at " << i;
  }
}

void expect_values(std::string_view op, const std::vector<Operand>& operands,
                   const graph::Attrs& attrs, const std::vector<double>& wanted, double tolerance) {
  expect_near(evaluate(op, operands, attrs)[0], wanted, tolerance);
}

void expect_gradients_agree(GraphRunner& runner, ValueId loss,
                            const std::vector<std::string>& parameters,
                            const std::vector<ValueId>& gradients) {
  constexpr double kTolerance = 1e-6;
  runner.run();
  std::vector<std::vector<double>> analytic;
  for (ValueId id : gradients) analytic.push_back(runner.get(id));
  for (size_t p = 0; p < parameters.size(); ++p) {
    ASSERT_EQ(runner.get(parameters[p]).size(), analytic[p].size());
    for (size_t i = 0; i < analytic[p].size(); ++i) {
      const double numeric = numeric_slope(runner, loss, parameters[p], i);
      const double scale = std::max({1.0, std::abs(numeric), std::abs(analytic[p][i])});
      EXPECT_NEAR(analytic[p][i], numeric, kTolerance * scale) << parameters[p] << " at " << i;
    }
  }
}

void expect_gradient(std::string_view op, const std::vector<Operand>& operands,
                     const graph::Attrs& attrs, const std::vector<size_t>& outputs) {
  graph::Builder b("gradient");
  const std::vector<ValueId> inputs = declare(b, operands);
  const std::vector<ValueId> results = b.op_all(op, inputs, attrs);
  ASSERT_FALSE(b.failed()) << b.finish().error().message;
  std::vector<Operand> all = operands;
  ValueId loss = graph::kNone;
  for (size_t output : outputs) {
    const ValueId sum = weighted_sum(b, results[output], all);
    loss = loss == graph::kNone ? sum : b.op("add", {loss, sum});
  }
  std::vector<ValueId> trainable;
  std::vector<std::string> names;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i].trainable) continue;
    trainable.push_back(inputs[i]);
    names.push_back(operand_name(i));
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
