#pragma once
// DType: the element types of tensors, numbered as in GGUF (ggml_type), so that a file's type id is
// a DType. Block types pack `block_size` values into `block_bytes` bytes; see engine/quant.

#include <cstdint>
#include <optional>
#include <string_view>

namespace verge {

enum class DType : uint8_t {
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q4_1 = 3,
  Q5_0 = 6,
  Q5_1 = 7,
  Q8_0 = 8,
  Q8_1 = 9,
  Q2_K = 10,
  Q3_K = 11,
  Q4_K = 12,
  Q5_K = 13,
  Q6_K = 14,
  Q8_K = 15,
  IQ4_NL = 20,
  IQ4_XS = 23,
  I8 = 24,
  I16 = 25,
  I32 = 26,
  I64 = 27,
  F64 = 28,
  BF16 = 30,
  TQ1_0 = 34,
  TQ2_0 = 35,
  U8 = 100,  // not in GGUF: bit masks, indices of pooling windows, images
};

struct DTypeInfo {
  DType dtype;
  std::string_view name;  // "f32", "q4_K"; as GGUF tools print them
  int block_size;         // values in a block; 1 for plain types
  int block_bytes;
};

/// Facts of a type. Never fails for a valid DType.
const DTypeInfo& info(DType dtype);

/// The DType with this GGUF id, or nothing if Verge does not know the type.
std::optional<DType> dtype_from_gguf(uint32_t id);

/// The DType of a name, upper or lower case ("Q4_K", "f16").
std::optional<DType> dtype_from_name(std::string_view name);

inline std::string_view name(DType dtype) {
  return info(dtype).name;
}
inline bool is_quantized(DType dtype) {
  return info(dtype).block_size > 1;
}

/// Bytes of `count` values; count must be a multiple of the block size.
inline int64_t bytes_of(DType dtype, int64_t count) {
  const DTypeInfo& facts = info(dtype);
  return count / facts.block_size * facts.block_bytes;
}

/// Every type, for tables and tests: `for (const DTypeInfo& t : all_dtypes())`.
struct DTypeRange {
  const DTypeInfo* first;
  const DTypeInfo* last;
  const DTypeInfo* begin() const { return first; }
  const DTypeInfo* end() const { return last; }
};
DTypeRange all_dtypes();

/// Conversions of single values, exact where the target can hold the value, else round to nearest
/// even.
float f16_to_f32(uint16_t bits);
uint16_t f32_to_f16(float value);
float bf16_to_f32(uint16_t bits);
uint16_t f32_to_bf16(float value);

}  // namespace verge
