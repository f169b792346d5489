#include <span>
#include <utility>

#include <google/protobuf/io/coded_stream.h>

#include <verge/core/units.hpp>
#include <verge/platform/net/codec/message.pb.h>
#include <verge/platform/net/codec/message_codec.hpp>

namespace verge::net {
namespace {

using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

// Fields that a later version may add to a message, or to each tensor.
constexpr int64_t kFieldsToSpare = 16;
constexpr int64_t kMostVarintBytes = 10;

// Walks over the fields of a message before the parser does, since that keeps each as an object
// many times its size: two bytes can be a tensor.
class FieldCount {
 public:
  FieldCount(std::string_view bytes, const MessageLimits& limits)
      : in_(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size())),
        limits_(limits) {}

  Status check() {
    int64_t tensors = 0, others = 0;
    while (const uint32_t tag = in_.ReadTag()) {
      if (tag != tag_of(codec::Envelope::kTensorsFieldNumber)) {
        if (++others > kFieldsToSpare) return too_many("fields", kFieldsToSpare);
        if (!skip(tag)) return no_message();
        continue;
      }
      if (++tensors > limits_.tensors) return too_many("tensors", limits_.tensors);
      int size = 0;
      if (!in_.ReadVarintSizeAsInt(&size)) return no_message();
      const auto outer = in_.PushLimit(size);
      VERGE_RETURN_IF_ERROR(check_tensor());
      in_.PopLimit(outer);
    }
    return in_.ConsumedEntireMessage() ? Status() : no_message();
  }

 private:
  // Of a field that has a length.
  static constexpr uint32_t tag_of(int field) { return static_cast<uint32_t>(field) << 3 | 2; }

  static Error no_message() {
    return make_error(Code::Malformed, "a peer's message breaks its encoding");
  }

  static Error too_many(std::string_view what, int64_t most) {
    return make_error(Code::Malformed, "a peer's message has more than {} {}", most, what);
  }

  Status check_tensor() {
    int64_t fields = 0;
    while (const uint32_t tag = in_.ReadTag()) {
      // Extents may come one by one, too.
      if (++fields > kFieldsToSpare) return too_many("fields of a tensor", kFieldsToSpare);
      const int before = in_.CurrentPosition();
      if (!skip(tag)) return no_message();
      const bool is_shape = tag == tag_of(codec::Tensor::kExtentsFieldNumber);
      if (is_shape && in_.CurrentPosition() - before > Shape::kMaxRank * kMostVarintBytes + 1) {
        return too_many("extents of a tensor", Shape::kMaxRank);
      }
    }
    return in_.ConsumedEntireMessage() ? Status() : no_message();
  }

  // False for groups, too, which hold fields of their own: this version of the encoding has none.
  bool skip(uint32_t tag) {
    uint64_t number = 0;
    int size = 0;
    switch (tag & 7) {
      case 0:
        return in_.ReadVarint64(&number);
      case 1:
        return in_.Skip(8);
      case 2:
        return in_.ReadVarintSizeAsInt(&size) && in_.Skip(size);
      case 5:
        return in_.Skip(4);
      default:
        return false;
    }
  }

  CodedInputStream in_;
  const MessageLimits& limits_;
};

Result<PackedTensor> tensor_of(codec::Tensor& read) {
  if (read.extents_size() > Shape::kMaxRank) {
    return make_error(Code::Malformed, "a tensor of a peer's message has {} extents, not up to {}",
                      read.extents_size(), Shape::kMaxRank);
  }
  const std::span<const int64_t> extents(read.extents().data(),
                                         static_cast<size_t>(read.extents_size()));
  const auto data = std::as_bytes(std::span(read.data()));
  return PackedTensor{.codec = std::move(*read.mutable_codec()),
                      .shape = Shape(extents),
                      .data = {data.begin(), data.end()}};
}

int64_t varint_bytes(uint64_t value) {
  return static_cast<int64_t>(CodedOutputStream::VarintSize64(value));
}

// A field of a length, and as many bytes.
int64_t field_bytes(int64_t size) {
  return 1 + varint_bytes(static_cast<uint64_t>(size)) + size;
}

// One that is left out where it is empty.
int64_t optional_field_bytes(size_t size) {
  return size == 0 ? 0 : field_bytes(static_cast<int64_t>(size));
}

int64_t tensor_bytes(const PackedTensor& tensor) {
  size_t shape = 0;
  for (const int64_t extent : tensor.shape.extents()) {
    shape += static_cast<size_t>(varint_bytes(static_cast<uint64_t>(extent)));
  }
  return optional_field_bytes(tensor.codec.size()) + optional_field_bytes(shape) +
         optional_field_bytes(tensor.data.size());
}

}  // namespace

int64_t wire_bytes(const Message& message) {
  int64_t bytes = message.kind == 0 ? 0 : 1 + varint_bytes(message.kind);
  bytes += optional_field_bytes(message.body.size());
  for (const PackedTensor& tensor : message.tensors) bytes += field_bytes(tensor_bytes(tensor));
  return bytes;
}

Result<std::string> serialize_message(const Message& message, const MessageLimits& limits) {
  const int64_t bytes = wire_bytes(message);
  if (bytes > limits.bytes || message.tensors.size() > static_cast<size_t>(limits.tensors)) {
    return make_error(Code::InvalidArgument,
                      "a message of {} with {} tensors is beyond the limits, {} and {}; send it in "
                      "parts",
                      show_bytes(bytes), message.tensors.size(), show_bytes(limits.bytes),
                      limits.tensors);
  }
  codec::Envelope envelope;
  envelope.set_kind(message.kind);
  envelope.set_body(message.body);
  for (const PackedTensor& tensor : message.tensors) {
    codec::Tensor& written = *envelope.add_tensors();
    written.set_codec(tensor.codec);
    for (const int64_t extent : tensor.shape.extents()) written.add_extents(extent);
    written.set_data(tensor.data.data(), tensor.data.size());
  }
  return envelope.SerializeAsString();
}

Result<Message> parse_message(std::string_view bytes, const MessageLimits& limits) {
  if (static_cast<int64_t>(bytes.size()) > limits.bytes) {
    return make_error(Code::Unsupported, "a peer's message has {}; up to {} are read",
                      show_bytes(static_cast<int64_t>(bytes.size())), show_bytes(limits.bytes));
  }
  VERGE_RETURN_IF_ERROR(FieldCount(bytes, limits).check());
  codec::Envelope envelope;
  if (!envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return make_error(Code::Malformed, "a peer's message breaks its encoding");
  }
  Message message{
      .kind = envelope.kind(), .body = std::move(*envelope.mutable_body()), .tensors = {}};
  for (codec::Tensor& read : *envelope.mutable_tensors()) {
    VERGE_TRY(PackedTensor tensor, tensor_of(read));
    message.tensors.push_back(std::move(tensor));
  }
  return message;
}

}  // namespace verge::net
