#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/tables.hpp>

namespace verge::kernels {

const ElementKernels& element_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa >= Isa::Avx512) return avx512::kElements;
  if (isa == Isa::Avx2) return avx2::kElements;
#elif defined(__aarch64__)
  if (isa >= Isa::Neon) return neon::kElements;
#endif
  (void)isa;
  return generic::kElements;
}

}  // namespace verge::kernels
