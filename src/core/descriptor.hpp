#pragma once
// Descriptor: an open file of the operating system, closed on every way out; and the words for what
// goes wrong with one.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <verge/core/result.hpp>

namespace verge {

/// Owns a file descriptor, or -1. Movable.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  /// The descriptor, now the caller's to close.
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

struct OpenFile {
  Descriptor descriptor;
  int64_t bytes = 0;
};

/// A regular file to read. Fails with NotFound, or Io for a folder, a device or missing rights.
Result<OpenFile> open_to_read(const std::string& path);

/// The error of an errno: what could not be done to `path` ("read", "write") and the remedy.
Error system_error(const std::string& path, std::string_view action, int number);

/// Makes names in a folder durable; silent, since not every file system can.
void sync_folder(const std::string& path);

}  // namespace verge
