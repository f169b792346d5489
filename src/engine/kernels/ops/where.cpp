#include <verge/engine/kernels/broadcast_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  const DType dtype = call.out().dtype;
  return (dtype == DType::F32 || dtype == DType::F64) && call.in(1).dtype == dtype &&
         call.in(2).dtype == dtype;
}

template <typename T>
void choose(const graph::KernelCall& call, Worker& worker) {
  for_broadcast_rows(call, worker,
                     [&](int64_t n, int64_t at, const auto& places, const auto& steps) {
                       const uint8_t* c = call.in(0).as<uint8_t>() + places[0];
                       const T* a = call.in(1).as<T>() + places[1];
                       const T* b = call.in(2).as<T>() + places[2];
                       T* out = call.out().as<T>() + at;
                       for (int64_t i = 0; i < n; ++i) {
                         const T yes = a[i * steps[1]], no = b[i * steps[2]];
                         out[i] = c[i * steps[0]] != 0 ? yes : no;
                       }
                     });
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  if (call.out().dtype == DType::F64) return choose<double>(call, worker);
  choose<float>(call, worker);
}

}  // namespace

KernelDef where() {
  return {.op = "where", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
