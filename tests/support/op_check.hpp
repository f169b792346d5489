#pragma once
// Checks of one operator: its shape rule, its reference, its gradient against central differences.
// Defined in tests/engine/graph/op_check.cpp.

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/shape_rules.hpp>

#include "graph_runner.hpp"

namespace verge::support {

/// One input of the operator under test.
struct Operand {
  graph::Type type;
  std::vector<double> values;
  bool trainable = false;
  bool absent = false;
};

/// Uniform in [low, high), f64; `trained` are differentiated with respect to.
Operand trained(graph::Dims dims, double low = -1, double high = 1);
Operand fixed(graph::Dims dims, double low = -1, double high = 1);
Operand given(graph::Dims dims, std::vector<double> values, DType dtype = DType::F64);
Operand integers(graph::Dims dims, std::vector<double> values);
Operand absent();

/// What the shape rule says: the outputs' types, or the error's message. Symbol 0 is "n".
std::string inferred(std::string_view op, const std::vector<graph::Type>& types,
                     const graph::Attrs& attrs = {});
/// The shape rule refuses with a message that contains `part`.
void expect_refused(std::string_view op, const std::vector<graph::Type>& types,
                    const graph::Attrs& attrs, std::string_view part);

/// Runs the operator's reference; the values of all outputs.
std::vector<std::vector<double>> evaluate(std::string_view op, const std::vector<Operand>& operands,
                                          const graph::Attrs& attrs = {});

void expect_near(const std::vector<double>& found, const std::vector<double>& wanted,
                 double tolerance = 1e-12);

/// Output 0 of the operator has these values.
void expect_values(std::string_view op, const std::vector<Operand>& operands,
                   const graph::Attrs& attrs, const std::vector<double>& wanted,
                   double tolerance = 1e-12);

/// The gradients of a scalar of a graph by central differences agree with those of autodiff.
/// `parameters` names the values to differentiate by; all must be f64 and set in `runner`.
void expect_gradients_agree(GraphRunner& runner, graph::ValueId loss,
                            const std::vector<std::string>& parameters,
                            const std::vector<graph::ValueId>& gradients);

/// Checks the gradient of sum(outputs * random weights) by every trained operand.
void expect_gradient(std::string_view op, const std::vector<Operand>& operands,
                     const graph::Attrs& attrs = {}, const std::vector<size_t>& outputs = {0});

}  // namespace verge::support
