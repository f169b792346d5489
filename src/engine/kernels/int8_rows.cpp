#include <verge/engine/kernels/int8_rows.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels {

const Int8RowKernels& int8_row_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa >= Isa::Avx512) return avx512::kInt8Rows;
  if (isa == Isa::Avx2) return avx2::kInt8Rows;
#elif defined(__aarch64__)
  if (isa >= Isa::Neon) return neon::kInt8Rows;
#endif
  (void)isa;
  return generic::kInt8Rows;
}

}  // namespace verge::kernels
