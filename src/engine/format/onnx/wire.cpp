#include <cstring>

#include <verge/engine/format/onnx/wire.hpp>

namespace verge::format::onnx {

Result<uint64_t> WireReader::varint() {
  uint64_t value = 0;
  const uint64_t start = at();
  for (int shift = 0; shift < 64; shift += 7) {
    VERGE_TRY(const auto byte, take(1));
    const auto bits = std::to_integer<uint64_t>(byte[0]);
    value |= (bits & 0x7f) << shift;
    if (bits < 0x80) return value;
  }
  return make_error(Code::Malformed,
                    "the number at byte {} does not end; the file is damaged: fetch it again",
                    start);
}

Result<std::span<const std::byte>> WireReader::take(uint64_t count) {
  if (count > bytes_.size() - position_) {
    return make_error(Code::Malformed,
                      "the field at byte {} needs {} bytes, {} are left of what holds it; the file "
                      "is damaged or cut off: fetch it again",
                      at(), count, bytes_.size() - position_);
  }
  const auto taken = bytes_.subspan(position_, count);
  position_ += count;
  return taken;
}

Result<WireField> WireReader::next() {
  const uint64_t start = at();
  VERGE_TRY(const uint64_t tag, varint());
  WireField field;
  field.number = static_cast<uint32_t>(tag >> 3);
  field.type = static_cast<WireType>(tag & 7);
  if (field.number == 0 || tag >> 32 != 0) {
    return make_error(Code::Malformed,
                      "no field begins at byte {}; the file is damaged: fetch it again", start);
  }
  if (field.type == WireType::Varint) {
    field.offset = at();
    VERGE_TRY(field.value, varint());
    return field;
  }
  uint64_t size = 0;
  if (field.type == WireType::Bytes) {
    VERGE_TRY(size, varint());
  } else if (field.type == WireType::Fixed32 || field.type == WireType::Fixed64) {
    size = field.type == WireType::Fixed32 ? 4 : 8;
  } else {
    return make_error(Code::Malformed,
                      "the field at byte {} is of the unknown wire type {}; the file is damaged: "
                      "fetch it again",
                      start, tag & 7);
  }
  field.offset = at();
  VERGE_TRY(field.bytes, take(size));
  if (field.type != WireType::Bytes) std::memcpy(&field.value, field.bytes.data(), size);
  return field;
}

Status expect_type(const WireField& field, WireType type, std::string_view what) {
  if (field.type == type) return {};
  return make_error(Code::Malformed,
                    "{} at byte {} is of wire type {} instead of {}; the file is damaged: fetch it "
                    "again",
                    what, field.offset, static_cast<int>(field.type), static_cast<int>(type));
}

}  // namespace verge::format::onnx
