#pragma once
// A set of tokens, a bit each: bit t % 64 of word t / 64 stands for token t.

#include <cstddef>
#include <cstdint>
#include <span>

namespace verge::text {

/// Words that so many tokens take.
inline size_t token_words(int32_t tokens) {
  return (static_cast<size_t>(tokens) + 63) / 64;
}

inline bool has_token(std::span<const uint64_t> bits, int32_t token) {
  return (bits[static_cast<size_t>(token) / 64] >> (token % 64) & 1) != 0;
}

inline void add_token(std::span<uint64_t> bits, int32_t token) {
  bits[static_cast<size_t>(token) / 64] |= uint64_t{1} << (token % 64);
}

inline void drop_token(std::span<uint64_t> bits, int32_t token) {
  bits[static_cast<size_t>(token) / 64] &= ~(uint64_t{1} << (token % 64));
}

}  // namespace verge::text
