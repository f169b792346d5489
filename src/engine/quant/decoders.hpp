#pragma once
// The decoders behind dequantize.hpp, one file a family: decode_<family>.cpp.

#include <cstdint>

namespace verge::quant {

void decode_f32(const void* blocks, float* out, int64_t count);
void decode_f16(const void* blocks, float* out, int64_t count);
void decode_bf16(const void* blocks, float* out, int64_t count);
void decode_f64(const void* blocks, float* out, int64_t count);
void decode_i8(const void* blocks, float* out, int64_t count);
void decode_u8(const void* blocks, float* out, int64_t count);
void decode_i16(const void* blocks, float* out, int64_t count);
void decode_i32(const void* blocks, float* out, int64_t count);
void decode_i64(const void* blocks, float* out, int64_t count);

void decode_q4_0(const void* blocks, float* out, int64_t count);
void decode_q4_1(const void* blocks, float* out, int64_t count);
void decode_q5_0(const void* blocks, float* out, int64_t count);
void decode_q5_1(const void* blocks, float* out, int64_t count);
void decode_q8_0(const void* blocks, float* out, int64_t count);
void decode_q8_1(const void* blocks, float* out, int64_t count);
void decode_iq4_nl(const void* blocks, float* out, int64_t count);
void decode_iq4_xs(const void* blocks, float* out, int64_t count);

void decode_q2_k(const void* blocks, float* out, int64_t count);
void decode_q3_k(const void* blocks, float* out, int64_t count);
void decode_q4_k(const void* blocks, float* out, int64_t count);
void decode_q5_k(const void* blocks, float* out, int64_t count);
void decode_q6_k(const void* blocks, float* out, int64_t count);
void decode_q8_k(const void* blocks, float* out, int64_t count);

void decode_tq1_0(const void* blocks, float* out, int64_t count);
void decode_tq2_0(const void* blocks, float* out, int64_t count);

}  // namespace verge::quant
