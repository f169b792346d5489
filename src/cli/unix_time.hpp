#pragma once
// The calendar's time, for what is compared with certificates and written into logs.

#include <cstdint>

#include <verge/core/clock.hpp>

namespace verge::cli {

/// Seconds since 1970.
inline int64_t unix_time_s() {
  return static_cast<int64_t>(CalendarClock().seconds());
}

}  // namespace verge::cli
