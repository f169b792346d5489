#pragma once
// What a driver measures of its own process: time since exec, memory, medians.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

inline int64_t now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

inline double ms_since(int64_t start_ns) {
  return static_cast<double>(now_ns() - start_ns) * 1e-6;
}

/// The moment of exec. The kernel's own record counts in 10 ms, so the program notes the time and
/// executes itself once more: everything after that, dynamic linking included, is counted.
inline int64_t time_of_exec_ns(char** argv) {
  const char* started = std::getenv("PEER_STARTED_NS");
  if (started == nullptr) {
    setenv("PEER_STARTED_NS", std::to_string(now_ns()).c_str(), 1);
    execv("/proc/self/exe", argv);
    return now_ns();
  }
  return std::atoll(started);
}

/// A field of /proc/self/status in bytes: "VmHWM" is the peak resident size.
inline int64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::atoll(line.c_str() + field.size() + 1) * 1024;
  }
  return 0;
}

inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}
