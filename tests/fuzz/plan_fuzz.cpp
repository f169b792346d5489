// Any bytes as a graph in binary form and as the content of a plan file behind a right checksum;
// and a good plan with some bytes replaced (place, place, value), which gets past the first checks.

#include <cstdint>

#include <verge/engine/graph/binary_form.hpp>
#include <verge/engine/runtime/plan_file.hpp>

#include "plan_seed.hpp"

namespace {

using namespace verge;

void check(std::span<const std::byte> bytes) {
  const auto graph = graph::read_binary(bytes);
  if (graph && graph::write_binary(*graph).empty()) __builtin_trap();
  const auto plan = runtime::parse_plan(bytes);
  if (plan && runtime::plan_content(*plan).empty()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::byte> good = good_plan();
  check(std::as_bytes(std::span(data, size)));
  std::vector<std::byte> edited = good;
  for (size_t i = 0; i + 2 < size; i += 3) {
    edited[(data[i] + 256u * data[i + 1]) % edited.size()] = std::byte{data[i + 2]};
  }
  check(edited);
  return 0;
}
