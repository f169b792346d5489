#pragma once
// Archive: writes and reads a format by one and the same function, so that both always agree. The
// reader distrusts every byte: past the end, or at a count that the rest cannot hold, it stops,
// good() is false and all further values are zero. Numbers have this machine's byte order.
//
//   template <typename Archive>
//   void archive(Archive& a, Point& p) { a.number(p.x); a.text(p.name); }

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace verge {

class ArchiveWriter {
 public:
  static constexpr bool kReads = false;

  template <typename T>
  void number(T& value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    raw({reinterpret_cast<std::byte*>(&value), sizeof value});
  }
  void text(std::string& value) {
    uint64_t size = value.size();
    number(size);
    raw({reinterpret_cast<std::byte*>(value.data()), value.size()});
  }
  /// `item(x)` writes one; `least_bytes` is what one takes at the least.
  template <typename T, typename Item>
  void list(std::vector<T>& values, uint64_t least_bytes, Item item) {
    (void)least_bytes;
    uint64_t size = values.size();
    number(size);
    for (T& value : values) item(value);
  }
  void raw(std::span<std::byte> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

class ArchiveReader {
 public:
  static constexpr bool kReads = true;

  explicit ArchiveReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <typename T>
  void number(T& value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    raw({reinterpret_cast<std::byte*>(&value), sizeof value});
  }
  void text(std::string& value) {
    value.resize(count(1));
    raw({reinterpret_cast<std::byte*>(value.data()), value.size()});
  }
  template <typename T, typename Item>
  void list(std::vector<T>& values, uint64_t least_bytes, Item item) {
    values.resize(count(least_bytes));
    for (T& value : values) item(value);
  }
  void raw(std::span<std::byte> bytes) {
    if (!good_ || bytes.size() > rest_.size()) {
      good_ = false;
      std::fill(bytes.begin(), bytes.end(), std::byte{0});
      return;
    }
    if (!bytes.empty()) std::memcpy(bytes.data(), rest_.data(), bytes.size());
    rest_ = rest_.subspan(bytes.size());
  }
  /// A u64 number of things of at least so many bytes each.
  uint64_t count(uint64_t least_bytes) {
    uint64_t value = 0;
    number(value);
    if (value > rest_.size() / least_bytes) good_ = false;
    return good_ ? value : 0;
  }

  void fail() { good_ = false; }
  bool good() const { return good_; }
  /// Good, and nothing is left.
  bool done() const { return good_ && rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
  bool good_ = true;
};

}  // namespace verge
