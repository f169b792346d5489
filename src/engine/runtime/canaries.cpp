#include <algorithm>
#include <cstring>

#include <verge/core/result.hpp>
#include <verge/engine/runtime/canaries.hpp>

namespace verge::runtime {
namespace {

constexpr int64_t kGuardBytes = 64;
constexpr std::byte kGuard{0xA5};
constexpr int kNan = 0xFF;  // a word of ones is NaN in every float type

// A guard reaches from a buffer's end to the next line and one line further.
int64_t guard_bytes_after(int64_t bytes) {
  return (kGuardBytes - bytes % kGuardBytes) % kGuardBytes + kGuardBytes;
}

bool is_whole(const std::byte* guard, int64_t bytes) {
  return std::all_of(guard, guard + bytes, [](std::byte byte) { return byte == kGuard; });
}

}  // namespace

void spread_buffers(graph::MemoryPlan& memory) {
  int64_t end = kGuardBytes;
  for (graph::Buffer& buffer : memory.buffers) {
    buffer.offset = end;
    end += buffer.bytes + guard_bytes_after(buffer.bytes);
  }
  memory.arena_bytes = end;
}

void poison_arena(std::byte* arena, const graph::MemoryPlan& memory) {
  std::memset(arena, static_cast<int>(kGuard), static_cast<size_t>(memory.arena_bytes));
  for (const graph::Buffer& buffer : memory.buffers) {
    std::memset(arena + buffer.offset, kNan, static_cast<size_t>(buffer.bytes));
  }
}

void check_guards(const std::byte* arena, const graph::MemoryPlan& memory) {
  for (const graph::Buffer& buffer : memory.buffers) {
    const std::byte* begin = arena + buffer.offset;
    VERGE_CHECK(is_whole(begin - kGuardBytes, kGuardBytes), "written before", buffer.name);
    VERGE_CHECK(is_whole(begin + buffer.bytes, guard_bytes_after(buffer.bytes)), "written after",
                buffer.name);
  }
}

}  // namespace verge::runtime
