#pragma once
// Checksum: a fast 64-bit hash of bytes (XXH3) that finds damage, not forgery. A plain value.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace verge {

uint64_t checksum(std::span<const std::byte> bytes);

/// The same over several pieces.
class Checksum {
 public:
  Checksum();
  ~Checksum();
  void add(std::span<const std::byte> bytes);
  uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace verge
