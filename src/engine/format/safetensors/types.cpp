#include <verge/engine/format/safetensors/types.hpp>

namespace verge::format {
namespace {

// github.com/huggingface/safetensors, Dtype. U8 stands before BOOL: bytes are written as U8.
constexpr SafetensorsType kSafetensorsTypes[] = {
    {"F32", 4, DType::F32},       {"F16", 2, DType::F16},       {"BF16", 2, DType::BF16},
    {"F64", 8, DType::F64},       {"I8", 1, DType::I8},         {"I16", 2, DType::I16},
    {"I32", 4, DType::I32},       {"I64", 8, DType::I64},       {"U8", 1, DType::U8},
    {"BOOL", 1, DType::U8},       {"U16", 2, std::nullopt},     {"U32", 4, std::nullopt},
    {"U64", 8, std::nullopt},     {"F8_E4M3", 1, std::nullopt}, {"F8_E5M2", 1, std::nullopt},
    {"F8_E8M0", 1, std::nullopt},
};

}  // namespace

std::optional<SafetensorsType> safetensors_type(std::string_view name) {
  for (const SafetensorsType& type : kSafetensorsTypes) {
    if (type.name == name) return type;
  }
  return std::nullopt;
}

std::optional<SafetensorsType> safetensors_type(DType dtype) {
  for (const SafetensorsType& type : kSafetensorsTypes) {
    if (type.dtype == dtype) return type;
  }
  return std::nullopt;
}

}  // namespace verge::format
