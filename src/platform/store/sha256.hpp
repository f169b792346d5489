#pragma once
// Sha256: the name of content (FIPS 180-4, by libsodium). A plain value over several pieces.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace verge::store {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void add(std::span<const std::byte> bytes);
  /// 64 lower-case hexadecimal digits; ends the sum.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256(std::string_view text);

}  // namespace verge::store
