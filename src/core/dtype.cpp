#include <array>
#include <bit>
#include <cctype>
#include <iterator>

#include <verge/core/dtype.hpp>
#include <verge/core/result.hpp>

namespace verge {
namespace {

// Block layouts: see engine/quant; sizes as in GGUF.
constexpr DTypeInfo kTypes[] = {
    {DType::F32, "f32", 1, 4},         {DType::F16, "f16", 1, 2},
    {DType::Q4_0, "q4_0", 32, 18},     {DType::Q4_1, "q4_1", 32, 20},
    {DType::Q5_0, "q5_0", 32, 22},     {DType::Q5_1, "q5_1", 32, 24},
    {DType::Q8_0, "q8_0", 32, 34},     {DType::Q8_1, "q8_1", 32, 36},
    {DType::Q2_K, "q2_K", 256, 84},    {DType::Q3_K, "q3_K", 256, 110},
    {DType::Q4_K, "q4_K", 256, 144},   {DType::Q5_K, "q5_K", 256, 176},
    {DType::Q6_K, "q6_K", 256, 210},   {DType::Q8_K, "q8_K", 256, 292},
    {DType::IQ4_NL, "iq4_nl", 32, 18}, {DType::IQ4_XS, "iq4_xs", 256, 136},
    {DType::I8, "i8", 1, 1},           {DType::I16, "i16", 1, 2},
    {DType::I32, "i32", 1, 4},         {DType::I64, "i64", 1, 8},
    {DType::F64, "f64", 1, 8},         {DType::BF16, "bf16", 1, 2},
    {DType::TQ1_0, "tq1_0", 256, 54},  {DType::TQ2_0, "tq2_0", 256, 66},
    {DType::U8, "u8", 1, 1},
};

constexpr std::array<int8_t, 256> make_index() {
  std::array<int8_t, 256> index{};
  for (auto& entry : index) entry = -1;
  for (size_t i = 0; i < std::size(kTypes); ++i) {
    index[static_cast<uint8_t>(kTypes[i].dtype)] = static_cast<int8_t>(i);
  }
  return index;
}
constexpr std::array<int8_t, 256> kIndex = make_index();

bool same_letters(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(a[i])) !=
        std::tolower(static_cast<unsigned char>(b[i]))) {
      return false;
    }
  }
  return true;
}

}  // namespace

const DTypeInfo& info(DType dtype) {
  const int index = kIndex[static_cast<uint8_t>(dtype)];
  VERGE_CHECK(index >= 0, static_cast<int>(dtype));
  return kTypes[index];
}

std::optional<DType> dtype_from_gguf(uint32_t id) {
  if (id >= static_cast<uint32_t>(DType::U8) || kIndex[id] < 0) return std::nullopt;
  return static_cast<DType>(id);
}

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const DTypeInfo& type : kTypes) {
    if (same_letters(type.name, name)) return type.dtype;
  }
  return std::nullopt;
}

DTypeRange all_dtypes() {
  return {std::begin(kTypes), std::end(kTypes)};
}

float f16_to_f32(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1f;
  const uint32_t mantissa = bits & 0x3ff;
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  const uint32_t wide = exponent == 31 ? 0xff : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

uint16_t f32_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;  // rounds to 65536 or more
  if (magnitude < 0x38800000) {  // subnormal result: let the FPU round at 2^-24
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return sign | static_cast<uint16_t>(std::bit_cast<uint32_t>(shifted) - 0x3f000000);
  }
  const uint32_t rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return sign | static_cast<uint16_t>((rounded - 0x38000000) >> 13);
}

float bf16_to_f32(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

}  // namespace verge
