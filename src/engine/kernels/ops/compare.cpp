#include <verge/engine/kernels/broadcast_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  const DType dtype = call.in(0).dtype;
  return call.in(1).dtype == dtype &&
         (dtype == DType::F32 || dtype == DType::F64 || dtype == DType::U8);
}

template <typename In>
void compare_as(const graph::KernelCall& call, Worker& worker) {
  const std::string_view op = call.attrs.text("op");
  const auto with = [&](auto holds) { map_broadcast_as<In, uint8_t>(call, worker, holds); };
  if (op == "lt") return with([](In x, In y) { return x < y; });
  if (op == "le") return with([](In x, In y) { return x <= y; });
  if (op == "gt") return with([](In x, In y) { return x > y; });
  if (op == "ge") return with([](In x, In y) { return x >= y; });
  if (op == "eq") return with([](In x, In y) { return x == y; });
  with([](In x, In y) { return x != y; });
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  if (call.in(0).dtype == DType::F64) return compare_as<double>(call, worker);
  if (call.in(0).dtype == DType::U8) return compare_as<uint8_t>(call, worker);
  compare_as<float>(call, worker);
}

}  // namespace

KernelDef compare() {
  return {.op = "compare", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
