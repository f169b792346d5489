#include <cstring>

#include <verge/core/result.hpp>
#include <verge/engine/kernels/activation_layout.hpp>

namespace verge::kernels {

ActivationKind activation_kind(DType weights) {
  switch (weights) {
    case DType::F32:
    case DType::F16:
      return ActivationKind::Float32;
    case DType::BF16:
      return ActivationKind::BFloat16;
    default:
      return ActivationKind::Int8;
  }
}

int64_t activation_stride(ActivationKind kind, int64_t cols) {
  int64_t bytes = cols * 4;
  if (kind == ActivationKind::BFloat16) bytes = cols * 2;
  if (kind == ActivationKind::Int8) bytes = cols / 32 * int64_t{sizeof(ActivationBlock)};
  const int64_t lines = (bytes + 63) / 64;
  return (lines | 1) * 64;
}

int64_t activation_bytes(ActivationKind kind, int64_t tokens, int64_t cols) {
  return tokens * activation_stride(kind, cols);
}

void prepare_token(const float* x, const Activations& out, int64_t token, Isa isa) {
  VERGE_CHECK(out.kind != ActivationKind::Int8 || out.cols % 32 == 0, out.cols);
  const ProductFunctions& functions = product_functions(isa);
  std::byte* target =
      static_cast<std::byte*>(out.data) + token * activation_stride(out.kind, out.cols);
  switch (out.kind) {
    case ActivationKind::Int8:
      functions.quantize_row(x, out.cols, reinterpret_cast<ActivationBlock*>(target));
      break;
    case ActivationKind::BFloat16:
      functions.round_row_to_bf16(x, out.cols, reinterpret_cast<uint16_t*>(target));
      break;
    case ActivationKind::Float32:
      std::memcpy(target, x, out.cols * sizeof(float));
      break;
  }
}

void prepare_activations(const float* x, int64_t stride, const Activations& out, Worker& worker,
                         Isa isa) {
  for (int64_t token = worker.claim(); token < out.tokens; token = worker.claim()) {
    prepare_token(x + token * stride, out, token, isa);
  }
}

const ProductFunctions& product_functions(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::Avx512Bf16) return avx512_bf16::kProductFunctions;
  if (isa == Isa::Avx512) return avx512::kProductFunctions;
  if (isa == Isa::Avx2) return avx2::kProductFunctions;
#elif defined(__aarch64__)
  if (isa == Isa::NeonDot) return neon_dot::kProductFunctions;
  if (isa == Isa::Neon) return neon::kProductFunctions;
#endif
  (void)isa;
  return generic::kProductFunctions;
}

}  // namespace verge::kernels
