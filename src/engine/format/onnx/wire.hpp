#pragma once
// WireReader: the fields of one protobuf message, front to back, where they lie. Never reads past
// the end and never allocates; errors say the byte of the file.
// Encoding: protobuf.dev/programming-guides/encoding.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <verge/core/result.hpp>

namespace verge::format::onnx {

enum class WireType : uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

struct WireField {
  uint32_t number = 0;
  WireType type = WireType::Varint;
  uint64_t value = 0;                // of Varint, Fixed64 and Fixed32
  std::span<const std::byte> bytes;  // of Bytes
  uint64_t offset = 0;               // of the bytes or the value in the file

  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

class WireReader {
 public:
  /// `offset` is where the message lies in the file.
  explicit WireReader(std::span<const std::byte> message, uint64_t offset = 0)
      : bytes_(message), offset_(offset) {}
  explicit WireReader(const WireField& field) : WireReader(field.bytes, field.offset) {}

  bool is_done() const { return position_ == bytes_.size(); }
  /// Malformed for bytes that are no field, or one that ends behind the message.
  Result<WireField> next();
  Result<uint64_t> varint();

 private:
  Result<std::span<const std::byte>> take(uint64_t count);
  uint64_t at() const { return offset_ + position_; }

  std::span<const std::byte> bytes_;
  uint64_t offset_;
  uint64_t position_ = 0;
};

/// The field has this type, or the error names `what` and the byte.
Status expect_type(const WireField& field, WireType type, std::string_view what);

}  // namespace verge::format::onnx
