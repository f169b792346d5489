#include <verge/engine/runtime/decoder.hpp>

namespace verge::runtime {

std::span<std::byte> page_bytes(const Decoder& decoder, int64_t layer, int32_t page) {
  const TensorView& cache =
      decoder.states.all().at(fmt::format("kv.{}", decoder.first_layer + layer));
  const int64_t bytes = cache.bytes() / cache.shape[0];
  return {cache.as<std::byte>() + page * bytes, static_cast<size_t>(bytes)};
}

}  // namespace verge::runtime
