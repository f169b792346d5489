// Any bytes as the frames of a peer: pieces of any kind, length and content. Some come as they are,
// others as the payload of a frame whose number and CRC are right, so that what is in it is read,
// too. What is read must go back to the same message; nothing may come twice.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <verge/platform/net/grpc/crc32c.hpp>
#include <verge/platform/net/grpc/frame.hpp>
#include <verge/platform/net/grpc/resume_protocol.hpp>

namespace {

using namespace verge;
using namespace verge::net;

void expect(bool is_so) {
  if (!is_so) std::abort();
}

bool is_same(const Message& a, const Message& b) {
  bool same = a.kind == b.kind && a.body == b.body && a.tensors.size() == b.tensors.size();
  for (size_t i = 0; same && i < a.tensors.size(); ++i) {
    same = a.tensors[i].codec == b.tensors[i].codec && a.tensors[i].shape == b.tensors[i].shape &&
           a.tensors[i].data == b.tensors[i].data;
  }
  return same;
}

void check_message(const Message& message) {
  FrameReader reader(1 << 20, "peer");
  expect(reader.read(hello_frame(0)).ok());
  const auto again = reader.read(message_frame(1, make_payload(message).value()));
  expect(again.ok() && again->has_value() && is_same(**again, message));
  const auto delivery = open_envelope(message);
  expect(delivery.ok() || delivery.error().code == Code::Malformed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view left(reinterpret_cast<const char*>(data), size);
  FrameReader raw(1 << 16, "peer"), greeted(1 << 16, "peer");
  expect(greeted.read(hello_frame(0)).ok());
  uint64_t raw_messages = 0, sequence = 0;
  while (left.size() >= 3) {
    const bool is_payload = (left[0] & 1) != 0;
    const size_t length = static_cast<uint8_t>(left[1]) | static_cast<uint8_t>(left[2]) << 8;
    const std::string piece(left.substr(3, length));
    left.remove_prefix(std::min(left.size(), 3 + length));
    wire::Frame frame;
    if (is_payload) {
      frame = message_frame(++sequence, {piece, crc32c(piece)});
    } else if (!frame.ParseFromString(piece)) {
      continue;
    }
    const auto read = (is_payload ? greeted : raw).read(frame);
    if (!read) {
      expect(read.error().code == Code::Malformed || read.error().code == Code::Unsupported);
      return 0;
    }
    if (!*read) continue;
    check_message(**read);
    if (!is_payload) expect(frame.sequence() == ++raw_messages);
  }
  return 0;
}
