#include <bit>
#include <limits>

#include <verge/core/dtype.hpp>
#include <verge/engine/format/gguf/types.hpp>
#include <verge/engine/format/metadata.hpp>

namespace verge::format {
namespace {

constexpr GgufTensorType kListedOnly[] = {
    {16, "iq2_xxs", 256, 66}, {17, "iq2_xs", 256, 74}, {18, "iq3_xxs", 256, 98},
    {19, "iq1_s", 256, 50},   {21, "iq3_s", 256, 110}, {22, "iq2_s", 256, 82},
    {29, "iq1_m", 256, 56},   {39, "mxfp4", 32, 17},
};
// A block of at most 256 values takes at least one byte a 256th: the count of values fits in an
// int64_t too.
constexpr uint64_t kMaxTensorBytes =
    static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / 256;
constexpr int64_t kMaxAlignment = int64_t{1} << 30;

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

Result<uint64_t> gguf_tensor_bytes(std::string_view name, const Shape& shape,
                                   const GgufTensorType& type) {
  VERGE_CHECK(shape.rank() >= 1 && shape.rank() <= kGgufMaxRank, name, shape.rank());
  const auto columns = static_cast<uint64_t>(shape.back());
  if (columns % type.block_size != 0) {
    return make_error(Code::Malformed,
                      "tensor {}: {} columns are no multiple of the {} values in a {} block; "
                      "choose another type or fetch the file again",
                      name, columns, type.block_size, type.name);
  }
  uint64_t bytes = type.block_bytes;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool is_last = axis + 1 == shape.rank();
    const uint64_t extent =
        is_last ? columns / type.block_size : static_cast<uint64_t>(shape[axis]);
    if (extent > kMaxTensorBytes / bytes) {
      return make_error(Code::Malformed, "tensor {}: shape {} overflows; fetch the file again",
                        name, shape.str());
    }
    bytes *= extent;
  }
  return bytes;
}

Result<uint64_t> gguf_alignment(const Metadata& metadata) {
  VERGE_TRY(const int64_t alignment, metadata.get_i64("general.alignment", 32));
  if (alignment > 0 && alignment <= kMaxAlignment &&
      std::has_single_bit(static_cast<uint64_t>(alignment))) {
    return static_cast<uint64_t>(alignment);
  }
  return make_error(Code::Malformed,
                    "key general.alignment: found {}, expected a power of two up to {}; fetch the "
                    "file again",
                    alignment, kMaxAlignment);
}

}  // namespace verge::format
