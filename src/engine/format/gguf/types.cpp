#include <verge/core/dtype.hpp>
#include <verge/engine/format/gguf/types.hpp>

namespace verge::format {
namespace {

constexpr GgufTensorType kListedOnly[] = {
    {16, "iq2_xxs", 256, 66}, {17, "iq2_xs", 256, 74}, {18, "iq3_xxs", 256, 98},
    {19, "iq1_s", 256, 50},   {21, "iq3_s", 256, 110}, {22, "iq2_s", 256, 82},
    {29, "iq1_m", 256, 56},   {39, "mxfp4", 32, 17},
};

}  // namespace

std::optional<GgufTensorType> gguf_tensor_type(uint32_t id) {
  if (const auto dtype = dtype_from_gguf(id)) {
    const DTypeInfo& facts = info(*dtype);
    return GgufTensorType{id, facts.name, static_cast<uint64_t>(facts.block_size),
                          static_cast<uint64_t>(facts.block_bytes)};
  }
  for (const GgufTensorType& type : kListedOnly) {
    if (type.id == id) return type;
  }
  return std::nullopt;
}

}  // namespace verge::format
