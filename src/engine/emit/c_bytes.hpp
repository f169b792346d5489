#pragma once
// Bytes in a C source: string literals, which compilers read a hundred times faster than as many
// numbers. C99 promises literals of 4095 characters, so that longer arrays are rows of them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace verge::emit {

/// What stands before such arrays: full rows have no room for the zero of a literal, which C allows
/// (C++ does not) and newer compilers warn of.
extern const std::string_view kRowsWithoutZero;

/// "const unsigned char w[2][4000]" holds 4001 to 8000 bytes; those beyond the last are 0.
std::string c_bytes_declaration(std::string_view name, int64_t bytes);
/// The initializer of such an array, lines of at most 120 characters.
std::string c_bytes_rows(std::span<const std::byte> bytes);
/// An expression for a pointer to the first byte.
std::string c_bytes_pointer(std::string_view name);

}  // namespace verge::emit
