#pragma once
// WireWriter: the bytes of one protobuf message, field by field; what WireReader reads.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <verge/engine/format/onnx/wire.hpp>

namespace verge::format::onnx {

class WireWriter {
 public:
  void integer(uint32_t field, int64_t value) {
    key(field, WireType::Varint);
    varint(static_cast<uint64_t>(value));
  }
  void real(uint32_t field, float value) {
    key(field, WireType::Fixed32);
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    bytes_.append(bytes, sizeof value);
  }
  void text(uint32_t field, std::string_view value) {
    begin_bytes(field, value.size());
    bytes_ += value;
  }
  void message(uint32_t field, const WireWriter& value) { text(field, value.bytes()); }
  /// The key and the length of a field whose `count` bytes the caller writes behind it.
  void begin_bytes(uint32_t field, uint64_t count) {
    key(field, WireType::Bytes);
    varint(count);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  void key(uint32_t field, WireType type) {
    varint(uint64_t{field} << 3 | static_cast<uint64_t>(type));
  }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace verge::format::onnx
