// Any bytes as a message of a peer: what is one has its tensors unpacked, is written again in the
// number of bytes that was foretold, and is the same when it is read from those.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <verge/platform/net/codec/message_codec.hpp>
#include <verge/platform/net/codec/tensor_codec.hpp>

namespace {

using namespace verge;

constexpr int64_t kMostValues = 1 << 16;

bool is_same(const PackedTensor& a, const PackedTensor& b) {
  return a.codec == b.codec && a.shape == b.shape && a.data == b.data;
}

void unpack_and_pack(const PackedTensor& tensor) {
  const auto values = net::unpack(tensor, kMostValues);
  if (!values) {
    if (values.error().message.empty()) std::abort();
    return;
  }
  if (static_cast<int64_t>(values->size()) > kMostValues) std::abort();
  // Any codec's values may be packed, or refused.
  (void)net::pack(tensor.codec, *values, tensor.shape);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto message = net::parse_message(bytes);
  if (!message) return message.error().message.empty() ? -1 : 0;
  for (const PackedTensor& tensor : message->tensors) unpack_and_pack(tensor);
  const auto written = net::serialize_message(*message);
  if (!written || static_cast<int64_t>(written->size()) != net::wire_bytes(*message)) std::abort();
  const auto again = net::parse_message(*written);
  if (!again || again->kind != message->kind || again->body != message->body) std::abort();
  if (!std::ranges::equal(again->tensors, message->tensors, is_same)) std::abort();
  return 0;
}
