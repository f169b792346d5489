#pragma once
// Numbers as people read them.

#include <cstdint>
#include <string>

namespace verge {

/// "812 B", "5.6 MiB", "3.9 GiB": in powers of 1024.
std::string show_bytes(int64_t bytes);

/// "812", "5.3 M", "1.5 B": in powers of 1000, as parameters are counted.
std::string show_count(int64_t count);

}  // namespace verge
