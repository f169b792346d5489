#include <verge/engine/kernels/rows.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels {

const RowKernels& row_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa >= Isa::Avx512) return avx512::kRows;
  if (isa == Isa::Avx2) return avx2::kRows;
#elif defined(__aarch64__)
  if (isa >= Isa::Neon) return neon::kRows;
#endif
  (void)isa;
  return generic::kRows;
}

}  // namespace verge::kernels
