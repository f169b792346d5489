#pragma once
// Files of the runtime's own formats (checkpoints, saved sessions): a magic word, values of this
// machine's byte order, and a checksum of it all.

#include <cstring>
#include <span>
#include <string_view>

#include <verge/core/checksum.hpp>
#include <verge/core/file.hpp>

namespace verge::runtime {

/// Writes a magic word, numbers, texts and bytes, and their checksum at the end. The first error is
/// kept for finish().
class CheckedWriter {
 public:
  CheckedWriter(AtomicFile file, std::string_view magic) : file_(std::move(file)) {
    bytes(std::as_bytes(std::span(magic)));
  }

  void bytes(std::span<const std::byte> data) {
    if (!status_) return;
    sum_.add(data);
    status_ = file_.write(data);
  }
  template <typename T>
  void number(T value) {
    bytes(std::as_bytes(std::span(&value, 1)));
  }
  void text(std::string_view value) {
    number<uint64_t>(value.size());
    bytes(std::as_bytes(std::span(value)));
  }
  Status finish() {
    number(sum_.value());
    VERGE_RETURN_IF_ERROR(status_);
    return file_.commit();
  }

 private:
  AtomicFile file_;
  Checksum sum_;
  Status status_;
};

/// Reads what CheckedWriter wrote from bytes whose checksum is right; still refuses to run past the
/// end: then good() is false and every further value zero.
class CheckedReader {
 public:
  explicit CheckedReader(std::span<const std::byte> data) : data_(data) {}

  std::span<const std::byte> bytes(uint64_t count) {
    if (count > data_.size()) {
      good_ = false;
      return {};
    }
    const auto taken = data_.first(count);
    data_ = data_.subspan(count);
    return taken;
  }
  template <typename T>
  T number() {
    T value{};
    const auto taken = bytes(sizeof(T));
    if (good_) std::memcpy(&value, taken.data(), sizeof(T));
    return value;
  }
  std::string_view text() {
    const auto taken = bytes(number<uint64_t>());
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  bool good() const { return good_; }

 private:
  std::span<const std::byte> data_;
  bool good_ = true;
};

/// What lies between magic word and checksum. Fails with Malformed for another magic word or a
/// wrong checksum.
Result<std::span<const std::byte>> checked_content(const MappedFile& file, std::string_view magic);

}  // namespace verge::runtime
