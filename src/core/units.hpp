#pragma once
// Numbers as people read them.

#include <cstdint>
#include <string>
#include <string_view>

#include <verge/core/result.hpp>

namespace verge {

/// "812 B", "5.6 MiB", "3.9 GiB": in powers of 1024.
std::string show_bytes(int64_t bytes);

/// "812", "5.3 M", "1.5 B": in powers of 1000, as parameters are counted.
std::string show_count(int64_t count);

/// "4GiB", "512M", "1.5 g", "1000": with or without B or iB, always in powers of 1024.
/// InvalidArgument for anything else, a negative or a huge one.
Result<int64_t> parse_bytes(std::string_view text);

}  // namespace verge
