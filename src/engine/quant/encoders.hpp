#pragma once
// The encoders behind quantize.hpp, one file a family: encode_<family>.cpp. `count` is a multiple
// of the block size, x is finite; importance holds `count` finite weights >= 0, or is null.

#include <cstdint>

namespace verge::quant {

void encode_f32(const float* x, void* blocks, int64_t count, const float* importance);
void encode_f16(const float* x, void* blocks, int64_t count, const float* importance);
void encode_bf16(const float* x, void* blocks, int64_t count, const float* importance);

void encode_q4_0(const float* x, void* blocks, int64_t count, const float* importance);
void encode_q4_1(const float* x, void* blocks, int64_t count, const float* importance);
void encode_q5_0(const float* x, void* blocks, int64_t count, const float* importance);
void encode_q5_1(const float* x, void* blocks, int64_t count, const float* importance);
void encode_q8_0(const float* x, void* blocks, int64_t count, const float* importance);
void encode_q8_1(const float* x, void* blocks, int64_t count, const float* importance);
void encode_iq4_nl(const float* x, void* blocks, int64_t count, const float* importance);

void encode_q2_k(const float* x, void* blocks, int64_t count, const float* importance);
void encode_q3_k(const float* x, void* blocks, int64_t count, const float* importance);
void encode_q4_k(const float* x, void* blocks, int64_t count, const float* importance);
void encode_q5_k(const float* x, void* blocks, int64_t count, const float* importance);
void encode_q6_k(const float* x, void* blocks, int64_t count, const float* importance);
void encode_q8_k(const float* x, void* blocks, int64_t count, const float* importance);

void encode_tq2_0(const float* x, void* blocks, int64_t count, const float* importance);

}  // namespace verge::quant
