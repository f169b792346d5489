#pragma once
// A plan that is right: what plan_fuzz edits and begins from.

#include <vector>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/runtime/plan_file.hpp>

namespace verge {

/// What a backend with a memory of its own would run.
inline graph::ValueId delegated(graph::Builder& b) {
  const std::string body =
      "graph \"region\"\n"
      "input 0 \"x\" f32 [2, 4]\n"
      "param 1 \"w\" f32 [4]\n"
      "value 2 \"a\" f32 [2, 4]\n"
      "value 3 \"y\" f32 [4, 2] output\n"
      "fwd 2 = mul(0, 1)\n"
      "fwd 3 = transpose(2) {perm=[1, 0]} @\"layer\"\n";
  const auto x =
      b.op("copy", {b.input("image", {DType::F32, {2, 4}})}, {{"to", std::string("device")}});
  return b.op("delegate", {x, b.param("v", {DType::F32, {4}})},
              {{"backend", std::string("device")}, {"body", body}, {"own_memory", int64_t{1}}});
}

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
  b.output(b.op("copy", {delegated(b)}, {{"from", std::string("device")}}), "z");
  const runtime::PlanFile plan{
      "model", {{"main", *runtime::make_program(*b.finish(), kernels::best_isa(), 2)}}};
  return runtime::plan_content(plan);
}

}  // namespace verge
