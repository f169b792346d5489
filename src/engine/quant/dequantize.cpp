#include <verge/core/result.hpp>
#include <verge/engine/quant/decoders.hpp>
#include <verge/engine/quant/dequantize.hpp>

namespace verge::quant {

DequantizeRow dequantizer(DType dtype) {
  switch (dtype) {
    case DType::F32:
      return decode_f32;
    case DType::F16:
      return decode_f16;
    case DType::BF16:
      return decode_bf16;
    case DType::F64:
      return decode_f64;
    case DType::I8:
      return decode_i8;
    case DType::U8:
      return decode_u8;
    case DType::I16:
      return decode_i16;
    case DType::I32:
      return decode_i32;
    case DType::I64:
      return decode_i64;
    case DType::Q4_0:
      return decode_q4_0;
    case DType::Q4_1:
      return decode_q4_1;
    case DType::Q5_0:
      return decode_q5_0;
    case DType::Q5_1:
      return decode_q5_1;
    case DType::Q8_0:
      return decode_q8_0;
    case DType::Q8_1:
      return decode_q8_1;
    case DType::IQ4_NL:
      return decode_iq4_nl;
    case DType::IQ4_XS:
      return decode_iq4_xs;
    case DType::Q2_K:
      return decode_q2_k;
    case DType::Q3_K:
      return decode_q3_k;
    case DType::Q4_K:
      return decode_q4_k;
    case DType::Q5_K:
      return decode_q5_k;
    case DType::Q6_K:
      return decode_q6_k;
    case DType::Q8_K:
      return decode_q8_k;
    case DType::TQ1_0:
      return decode_tq1_0;
    case DType::TQ2_0:
      return decode_tq2_0;
  }
  VERGE_CHECK(false, static_cast<int>(dtype));
  return nullptr;
}

void dequantize_row(DType dtype, const void* blocks, float* out, int64_t count) {
  VERGE_CHECK(count % info(dtype).block_size == 0, count, name(dtype));
  dequantizer(dtype)(blocks, out, count);
}

}  // namespace verge::quant
