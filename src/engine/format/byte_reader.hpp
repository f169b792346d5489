#pragma once
// ByteReader: little-endian fields from untrusted bytes, front to back. Never reads past the end
// and never allocates; every error says which field, where it starts and how much is left.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <verge/core/result.hpp>

namespace verge::format {

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  uint64_t position() const { return position_; }
  uint64_t remaining() const { return bytes_.size() - position_; }
  std::span<const std::byte> rest() const { return bytes_.subspan(position_); }

  /// The next `count` bytes, where they lie.
  Result<std::span<const std::byte>> take(uint64_t count, std::string_view field) {
    if (count > remaining()) return cut_off(count, field);
    const auto taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }

  template <typename T>
  Result<T> read(std::string_view field) {
    if (sizeof(T) > remaining()) return cut_off(sizeof(T), field);
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof value);
    position_ += sizeof value;
    return value;
  }

  /// A u64 length and that many bytes.
  Result<std::string_view> read_string(std::string_view field) {
    VERGE_TRY(const uint64_t length, read<uint64_t>(field));
    VERGE_TRY(const auto text, take(length, field));
    return std::string_view(reinterpret_cast<const char*>(text.data()), text.size());
  }

  /// A u64 number of items of at least `item_bytes` each: refused when the rest cannot hold them.
  Result<uint64_t> read_count(size_t item_bytes, std::string_view field) {
    const uint64_t start = position_;
    VERGE_TRY(const uint64_t count, read<uint64_t>(field));
    if (count <= remaining() / item_bytes) return count;
    return make_error(Code::Malformed,
                      "{} at byte {} is {}, more than the {} bytes left can hold; the file is "
                      "damaged or cut off: fetch it again",
                      field, start, count, remaining());
  }

 private:
  Error cut_off(uint64_t count, std::string_view field) const {
    return make_error(Code::Malformed,
                      "{} at byte {} needs {} bytes, {} are left; the file is damaged or cut off: "
                      "fetch it again",
                      field, position_, count, remaining());
  }

  std::span<const std::byte> bytes_;
  uint64_t position_ = 0;
};

}  // namespace verge::format
