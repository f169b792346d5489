// Any bytes as the content of a file of kernel choices behind a right checksum: what is read,
// written again, reads the same.

#include <cstdint>
#include <cstdlib>

#include <verge/engine/runtime/kernel_choices.hpp>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using verge::runtime::KernelChoices;
  const auto choices = KernelChoices::parse(std::as_bytes(std::span(data, size)));
  if (!choices) return 0;
  const std::vector<std::byte> content = choices->content();
  const auto again = KernelChoices::parse(content);
  if (!again || again->content() != content) std::abort();
  return 0;
}
