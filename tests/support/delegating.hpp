#pragma once
// Random graphs to be shared out, and what a backend of a test says of itself.

#include <algorithm>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/capability.hpp>
#include <verge/engine/graph/delegate_body.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::support {

/// Takes the operators in `supported`; of any other it says "no X". Derived: graph::Capability, or
/// what adds to it.
template <typename Base>
class OperatorBackendOf : public Base {
 public:
  std::vector<std::string> supported = {"maximum", "mul", "relu"};
  std::optional<int64_t> memory;  // its own, if any
  graph::BackendCost costs{.host_flops_per_s = 1, .flops_per_s = 2, .copy_bytes_per_s = 1e30};

  std::string_view name() const override { return "operators"; }
  std::vector<std::string> refusals(const graph::Graph&, const graph::Node& node) const override {
    std::vector<std::string> reasons;
    if (std::ranges::count(supported, node.op->name) == 0) {
      reasons.push_back("no " + std::string(node.op->name));
    }
    return reasons;
  }
  graph::BackendCost cost() const override { return costs; }
  std::optional<int64_t> memory_bytes() const override { return memory; }
  /// Of all values of the body.
  int64_t memory_of(const graph::Graph& body) const override {
    int64_t bytes = 0;
    for (size_t id = 0; id < body.values.size(); ++id) {
      bytes += graph::bound_bytes(body, static_cast<graph::ValueId>(id));
    }
    return bytes;
  }
};
using OperatorBackend = OperatorBackendOf<graph::Capability>;

/// A graph of `nodes` elementwise nodes that read any values before them, with some outputs.
inline graph::Graph random_dag(Rng& rng, int nodes) {
  graph::Builder b("dag");
  std::vector<graph::ValueId> values = {b.input("x", {DType::F32, {2, 3}}),
                                        b.input("z", {DType::F32, {2, 3}}),
                                        b.param("w", {DType::F32, {2, 3}})};
  constexpr std::string_view kOps[] = {"add", "maximum", "relu", "sigmoid"};
  for (int i = 0; i < nodes; ++i) {
    const std::string_view op = kOps[rng.below(4)];
    const auto any = [&] { return values[rng.below(static_cast<uint32_t>(values.size()))]; };
    b.source(fmt::format("n{}", i));
    const bool is_unary = op == "relu" || op == "sigmoid";
    values.push_back(is_unary ? b.op(op, {any()}) : b.op(op, {any(), any()}));
    if (rng.below(6) == 0) b.output(values.back(), fmt::format("y{}", i));
  }
  b.output(b.op("add", {values.back(), values[3]}), "last");
  return *b.finish();
}

}  // namespace verge::support
