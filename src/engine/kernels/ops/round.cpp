#include <cmath>

#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  const DType dtype = call.in(0).dtype;
  return (dtype == DType::F32 || dtype == DType::F64) && call.out().dtype == dtype;
}

template <typename T>
void round_as(const graph::KernelCall& call, Worker& worker) {
  const auto [first, last] = worker.split(call.out().shape.count(), kMapGrain);
  const T* x = call.in(0).as<T>();
  T* y = call.out().as<T>();
  const auto with = [&, begin = first, end = last](auto f) {
    for (int64_t i = begin; i < end; ++i) y[i] = f(x[i]);
  };
  const std::string_view mode = call.attrs.text("mode");
  if (mode == "floor") return with([](T v) { return std::floor(v); });
  if (mode == "ceil") return with([](T v) { return std::ceil(v); });
  if (mode == "trunc") return with([](T v) { return std::trunc(v); });
  with([](T v) { return std::nearbyint(v); });
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  if (call.in(0).dtype == DType::F64) return round_as<double>(call, worker);
  round_as<float>(call, worker);
}

}  // namespace

KernelDef round() {
  return {.op = "round", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
