#include <algorithm>

#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels {
namespace ops {
std::span<const KernelDef> table();  // generated from the files of ops/
}

const KernelDef* find_kernel(std::string_view op) {
  const auto table = ops::table();
  const auto at = std::ranges::lower_bound(table, op, {}, &KernelDef::op);
  return at != table.end() && at->op == op ? &*at : nullptr;
}

}  // namespace verge::kernels
