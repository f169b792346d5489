#include <charconv>
#include <cstring>

#include <verge/engine/format/onnx/tensor_message.hpp>

namespace verge::format::onnx {
namespace {

// Field numbers of TensorProto and StringStringEntryProto.
enum TensorField : uint32_t {
  kDims = 1,
  kDataType = 2,
  kSegment = 3,
  kFloatData = 4,
  kInt32Data = 5,
  kStringData = 6,
  kInt64Data = 7,
  kName = 8,
  kRawData = 9,
  kDoubleData = 10,
  kUint64Data = 11,
  kExternalData = 13,
  kDataLocation = 14,
};
constexpr uint64_t kExternal = 1;
constexpr int64_t kMostElements = int64_t{1} << 40;

using Owned = std::vector<std::byte>;

Status read_entry(const WireField& message, ExternalData& external) {
  VERGE_RETURN_IF_ERROR(expect_type(message, WireType::Bytes, "external_data"));
  WireReader reader(message);
  std::string_view key, value;
  while (!reader.is_done()) {
    VERGE_TRY(const WireField field, reader.next());
    if (field.number == 1) key = field.text();
    if (field.number == 2) value = field.text();
  }
  if (key == "location") external.location = value;
  if (key != "offset" && key != "length") return {};
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) {
    return make_error(Code::Malformed, "external_data has the {} \"{}\", not a number; {}", key,
                      value, "the file is damaged: fetch it again");
  }
  if (key == "offset") external.offset = number;
  if (key == "length") external.length = number;
  return {};
}

// One number of int32_data, int64_data or uint64_data in the tensor's own width.
void append_element(ElementType type, int64_t value, Owned& out) {
  const auto bytes = static_cast<size_t>(element_bytes(type));
  const size_t at = out.size();
  out.resize(at + bytes);
  std::memcpy(out.data() + at, &value, std::min(bytes, sizeof value));
}

class TensorReader {
 public:
  Status read(const WireField& message) {
    WireReader reader(message);
    while (!reader.is_done()) {
      VERGE_TRY(const WireField field, reader.next());
      VERGE_RETURN_IF_ERROR(take(field));
    }
    return finish();
  }

  TensorData tensor;

 private:
  Status take(const WireField& field) {
    switch (field.number) {
      case kDims:
        return append_integers(field, "dims", tensor.dims);
      case kDataType:
        tensor.type = static_cast<ElementType>(field.value);
        return {};
      case kName:
        tensor.name = field.text();
        return {};
      case kRawData:
      case kFloatData:
      case kDoubleData:
        return take_values(field);
      case kInt32Data:
      case kInt64Data:
      case kUint64Data:
        return append_integers(field, "values", integers_);
      case kExternalData:
        return read_entry(field, external_);
      case kDataLocation:
        if (field.value == kExternal) tensor.external.emplace();
        return {};
      case kSegment:
        return make_error(Code::Unsupported, "is stored in segments; export it whole");
      default:
        return {};
    }
  }

  // Values as they lie in memory; one piece stays in the file, several are joined.
  Status take_values(const WireField& field) {
    if (tensor.bytes.empty() && owned_ == nullptr) {
      tensor.bytes = field.bytes;
      return {};
    }
    if (owned_ == nullptr) {
      owned_ = std::make_shared<Owned>(tensor.bytes.begin(), tensor.bytes.end());
    }
    owned_->insert(owned_->end(), field.bytes.begin(), field.bytes.end());
    tensor.bytes = *owned_;
    return {};
  }

  Status check_extents() const {
    int64_t count = 1;
    for (int64_t extent : tensor.dims) {
      if (extent < 0 || (extent > 0 && count > kMostElements / extent)) {
        return make_error(Code::Malformed, "has the extents [{}]; the file is damaged",
                          fmt::join(tensor.dims, ", "));
      }
      count *= std::max<int64_t>(extent, 1);
    }
    return {};
  }

  Status finish() {
    VERGE_RETURN_IF_ERROR(check_extents());
    if (tensor.external) {
      tensor.external = external_;
      tensor.bytes = {};
      return {};
    }
    const int64_t width = element_bytes(tensor.type);
    if (width == 0) return {};  // strings and unknown types: whoever reads the values refuses
    if (!integers_.empty()) {
      owned_ = std::make_shared<Owned>();
      owned_->reserve(integers_.size() * static_cast<size_t>(width));
      for (int64_t value : integers_) append_element(tensor.type, value, *owned_);
      tensor.bytes = *owned_;
    }
    tensor.owner = owned_;
    if (static_cast<int64_t>(tensor.bytes.size()) == tensor.count() * width) return {};
    return make_error(Code::Malformed,
                      "has {} bytes of values, its extents [{}] of {} need {}; the file is "
                      "damaged: fetch it again",
                      tensor.bytes.size(), fmt::join(tensor.dims, ", "), name(tensor.type),
                      tensor.count() * width);
  }

  ExternalData external_;
  std::vector<int64_t> integers_;
  std::shared_ptr<Owned> owned_;
};

}  // namespace

Status append_integers(const WireField& field, std::string_view what,
                       std::vector<int64_t>& integers) {
  if (field.type == WireType::Varint) {
    integers.push_back(static_cast<int64_t>(field.value));
    return {};
  }
  VERGE_RETURN_IF_ERROR(expect_type(field, WireType::Bytes, what));
  WireReader reader(field);
  while (!reader.is_done()) {
    VERGE_TRY(const uint64_t value, reader.varint());
    integers.push_back(static_cast<int64_t>(value));
  }
  return {};
}

Result<TensorData> read_tensor(const WireField& message) {
  VERGE_RETURN_IF_ERROR(expect_type(message, WireType::Bytes, "a tensor"));
  TensorReader reader;
  if (const Status status = reader.read(message); !status) {
    return make_error(status.error().code, "tensor \"{}\": {}", reader.tensor.name,
                      status.error().message);
  }
  return std::move(reader.tensor);
}

}  // namespace verge::format::onnx
