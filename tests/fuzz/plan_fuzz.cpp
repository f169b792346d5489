// Any bytes as a graph in binary form and as the content of a plan file behind a right checksum;
// and a good plan with some bytes replaced (place, place, value), which gets past the first checks.

#include <cstdint>

#include <verge/engine/graph/binary_form.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/runtime/plan_file.hpp>

namespace {

using namespace verge;

std::vector<std::byte> good_plan() {
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

void check(std::span<const std::byte> bytes) {
  const auto graph = graph::read_binary(bytes);
  if (graph && graph::write_binary(*graph).empty()) __builtin_trap();
  const auto plan = runtime::parse_plan(bytes);
  if (plan && runtime::plan_content(*plan).empty()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::byte> good = good_plan();
  check(std::as_bytes(std::span(data, size)));
  std::vector<std::byte> edited = good;
  for (size_t i = 0; i + 2 < size; i += 3) {
    edited[(data[i] + 256u * data[i + 1]) % edited.size()] = std::byte{data[i + 2]};
  }
  check(edited);
  return 0;
}
