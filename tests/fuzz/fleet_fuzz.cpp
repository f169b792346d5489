// Any bytes as the body of what a node says on meeting: it may be refused, but not crash; what is
// taken says the same when it is said again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <verge/platform/fleet/node_protocol.hpp>

namespace {

using namespace verge::fleet;

template <typename From>
void read_twice(const verge::Message& message, From from) {
  const auto first = from(message);
  if (!first) return;
  const auto second = from(to_message(*first));
  if (!second || to_message(*second).body != to_message(*first).body) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const verge::Message message{
      .kind = data[0] % 6u,
      .body = std::string(reinterpret_cast<const char*>(data + 1), size - 1),
      .tensors = {}};
  read_twice(message, hello_from);
  read_twice(message, probe_from);
  read_twice(message, probe_answer_from);
  if (const auto hello = hello_from(message)) (void)agree(*hello, Hello{}).ok();
  return 0;
}
