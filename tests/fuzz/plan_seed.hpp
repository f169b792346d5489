#pragma once
// A plan that is right: what plan_fuzz edits and begins from.

#include <vector>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/runtime/plan_file.hpp>

namespace verge {

inline std::vector<std::byte> good_plan() {
  graph::Builder b("fuzzed");
  const graph::Dim rows(1, b.symbol("rows", 8));
  const auto x = b.input("x", {DType::F32, {rows, 32}});
  auto y = b.op("linear", {x, b.param("w", {DType::Q8_0, {32, 32}})});
  y = b.op(
      "reshape", {y},
      {{"dims", std::vector<int64_t>{1, 2, 16}}, {"symbols", std::vector<int64_t>{0, -1, -1}}});
  y = b.op("softmax", {b.op("transpose", {y}, {{"perm", std::vector<int64_t>{0, 2, 1}}})});
  y = b.op("mul", {y, b.constant("c", Tensor(DType::F32, {2}))});
  b.output(b.op("scale", {y}, {{"factor", 0.5}}), "y");
  const runtime::PlanFile plan{
      "model", {{"main", *runtime::make_program(*b.finish(), kernels::best_isa(), 2)}}};
  return runtime::plan_content(plan);
}

}  // namespace verge
