#pragma once
// CRC-32C (Castagnoli; RFC 3720, appendix B.4): finds damage, not forgery.

#include <cstdint>
#include <string_view>

namespace verge::net {

/// Of `bytes`, or of what `before` is the CRC of, followed by `bytes`.
uint32_t crc32c(std::string_view bytes, uint32_t before = 0);

}  // namespace verge::net
