#include <cstring>

#include <verge/core/dtype.hpp>
#include <verge/engine/quant/encoders.hpp>

namespace verge::quant {

void encode_f32(const float* x, void* blocks, int64_t count, const float* /*importance*/) {
  if (count > 0) std::memmove(blocks, x, static_cast<size_t>(count) * sizeof(float));
}

void encode_f16(const float* x, void* blocks, int64_t count, const float* /*importance*/) {
  uint16_t* bits = static_cast<uint16_t*>(blocks);
  for (int64_t i = 0; i < count; ++i) bits[i] = f32_to_f16(x[i]);
}

void encode_bf16(const float* x, void* blocks, int64_t count, const float* /*importance*/) {
  uint16_t* bits = static_cast<uint16_t*>(blocks);
  for (int64_t i = 0; i < count; ++i) bits[i] = f32_to_bf16(x[i]);
}

}  // namespace verge::quant
