#if defined(__x86_64__)
#define VERGE_ISA avx512_bf16
#include <verge/engine/kernels/avx512/peak_loops.hpp>
#endif
