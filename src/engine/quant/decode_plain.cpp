#include <cstring>

#include <verge/core/dtype.hpp>
#include <verge/engine/quant/decoders.hpp>

namespace verge::quant {
namespace {

template <typename T>
void convert(const void* blocks, float* out, int64_t count) {
  const T* values = static_cast<const T*>(blocks);
  for (int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(values[i]);
}

}  // namespace

void decode_f32(const void* blocks, float* out, int64_t count) {
  if (count > 0) std::memmove(out, blocks, static_cast<size_t>(count) * sizeof(float));
}

void decode_f16(const void* blocks, float* out, int64_t count) {
  const uint16_t* bits = static_cast<const uint16_t*>(blocks);
  for (int64_t i = 0; i < count; ++i) out[i] = f16_to_f32(bits[i]);
}

void decode_bf16(const void* blocks, float* out, int64_t count) {
  const uint16_t* bits = static_cast<const uint16_t*>(blocks);
  for (int64_t i = 0; i < count; ++i) out[i] = bf16_to_f32(bits[i]);
}

void decode_f64(const void* blocks, float* out, int64_t count) {
  convert<double>(blocks, out, count);
}

void decode_i8(const void* blocks, float* out, int64_t count) {
  convert<int8_t>(blocks, out, count);
}

void decode_u8(const void* blocks, float* out, int64_t count) {
  convert<uint8_t>(blocks, out, count);
}

void decode_i16(const void* blocks, float* out, int64_t count) {
  convert<int16_t>(blocks, out, count);
}

void decode_i32(const void* blocks, float* out, int64_t count) {
  convert<int32_t>(blocks, out, count);
}

void decode_i64(const void* blocks, float* out, int64_t count) {
  convert<int64_t>(blocks, out, count);
}

}  // namespace verge::quant
