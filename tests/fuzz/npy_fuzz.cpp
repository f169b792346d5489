// Any bytes as an NPY file: what is read has as many values as it says, and written again reads
// the same.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include <verge/engine/format/npy/npy.hpp>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace verge;
  const auto array = format::parse_npy(std::as_bytes(std::span(data, size)));
  if (!array) return array.error().message.empty() ? -1 : 0;
  const TensorView& view = array->tensor.view();
  const auto header = format::npy_header(view.dtype, view.shape, array->is_bool);
  if (!header) std::abort();
  const auto bytes = static_cast<size_t>(view.bytes());
  const std::string written = *header + std::string(view.as<const char>(), bytes);
  const auto again = format::parse_npy(std::as_bytes(std::span(written)));
  if (!again || again->tensor.shape() != view.shape || again->is_bool != array->is_bool)
    std::abort();
  if (bytes > 0 && std::memcmp(again->tensor.view().data, view.data, bytes) != 0) std::abort();
  return 0;
}
