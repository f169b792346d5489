#if defined(__aarch64__)
#define VERGE_ISA neon
#include <verge/engine/kernels/neon/int8_tile.hpp>
#endif
