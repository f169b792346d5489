#pragma once
// What this machine has, as the operating system tells it.

#include <cstdint>
#include <string>

namespace verge {

/// Processors this process may run on (its affinity mask), at least 1.
int available_cores();

/// The processor's name, as /proc/cpuinfo gives it, or the numbers it has instead on Arm; "unknown"
/// where there are neither.
std::string processor_name();

/// Bytes that can be allocated without swapping, within the limits of the control group.
int64_t available_memory_bytes();

/// The resident memory of this process now (VmRSS), in bytes.
int64_t resident_bytes();

/// The largest resident memory of this process so far (VmHWM), in bytes.
int64_t peak_rss_bytes();

}  // namespace verge
