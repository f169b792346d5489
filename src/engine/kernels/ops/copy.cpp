// Between the memories of host and backend.

#include <cstring>

#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  constexpr int64_t kLine = 64;
  const auto [first, last] = worker.split(call.in(0).bytes(), kLine);
  std::memcpy(call.out().as<std::byte>() + first, call.in(0).as<std::byte>() + first,
              static_cast<size_t>(last - first));
}

}  // namespace

KernelDef copy() {
  return {.op = "copy", .run = run};
}

}  // namespace verge::kernels::ops
