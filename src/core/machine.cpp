#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include <sched.h>

#include <verge/core/machine.hpp>

namespace verge {
namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

// The number after `key` in a file of "Key:  number kB" lines, in bytes.
int64_t field_of(const char* path, const std::string& key, int64_t otherwise) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    int64_t kilobytes = 0;
    if (word == key && file >> kilobytes) return kilobytes * 1024;
  }
  return otherwise;
}

int64_t number_in(const char* path, int64_t otherwise) {
  std::ifstream file(path);
  int64_t number = 0;
  return file >> number ? number : otherwise;  // "max" is no number
}

}  // namespace

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string name;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() && !name.empty()) break;  // the first processor is enough
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    if (line.starts_with("model name")) return line.substr(colon + 2);
    const bool is_number = line.starts_with("CPU implementer") || line.starts_with("CPU part");
    if (is_number) name += (name.empty() ? "" : " ") + line.substr(colon + 2);
  }
  return name.empty() ? "unknown" : name;
}

int64_t available_memory_bytes() {
  const int64_t system = field_of("/proc/meminfo", "MemAvailable:", kUnlimited);
  const int64_t limit = number_in("/sys/fs/cgroup/memory.max", kUnlimited);
  const int64_t used = number_in("/sys/fs/cgroup/memory.current", 0);
  return limit == kUnlimited ? system : std::min(system, std::max<int64_t>(0, limit - used));
}

int64_t resident_bytes() {
  return field_of("/proc/self/status", "VmRSS:", 0);
}

int64_t peak_rss_bytes() {
  return field_of("/proc/self/status", "VmHWM:", 0);
}

}  // namespace verge
