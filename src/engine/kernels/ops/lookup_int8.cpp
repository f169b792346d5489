#include <verge/engine/kernels/int8_call.hpp>
#include <verge/engine/kernels/int8_rows.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const auto* given = call.in(1).as<uint8_t>();
  const size_t first_level = call.in(0).dtype == DType::I8 ? 128 : 0;
  uint8_t table[256];
  for (size_t level = 0; level < 256; ++level) table[level] = given[level ^ first_level];
  const auto [first, last] = worker.split(call.out().shape.count(), 64);
  int8_row_kernels(isa).look_up(last - first, table, call.in(0).as<uint8_t>() + first,
                                call.out().as<uint8_t>() + first);
}

}  // namespace

KernelDef lookup_int8() {
  return {.op = "lookup_int8", .run = run};
}

}  // namespace verge::kernels::ops
