#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/ranges.h>
#include <zstd.h>

#include <verge/core/dtype.hpp>
#include <verge/platform/net/codec/group_codec.hpp>
#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/platform/net/printable.hpp>

namespace verge::net {
namespace {

constexpr std::string_view kZstdSuffix = "+zstd";
constexpr int kZstdLevel = 1;

int64_t f32_bytes(int64_t width) {
  return 4 * width;
}

bool encode_f32(std::span<const float> row, std::byte* out) {
  std::memcpy(out, row.data(), row.size_bytes());
  return true;
}

bool decode_f32(const std::byte* in, std::span<float> row) {
  std::memcpy(row.data(), in, row.size_bytes());
  return true;
}

int64_t f16_bytes(int64_t width) {
  return 2 * width;
}

bool encode_f16(std::span<const float> row, std::byte* out) {
  bool fits = true;
  for (size_t i = 0; i < row.size(); ++i) {
    const uint16_t bits = f32_to_f16(row[i]);
    fits &= (bits & 0x7fff) != 0x7c00 || std::isinf(row[i]);
    std::memcpy(out + 2 * i, &bits, 2);
  }
  return fits;
}

bool decode_f16(const std::byte* in, std::span<float> row) {
  for (size_t i = 0; i < row.size(); ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, in + 2 * i, 2);
    row[i] = f16_to_f32(bits);
  }
  return true;
}

// How the values of a row travel: its bytes, and both ways; false for what cannot be held.
struct ValueCodec {
  std::string_view name;
  int64_t (*row_bytes)(int64_t width);
  bool (*encode)(std::span<const float> row, std::byte* out);
  bool (*decode)(const std::byte* in, std::span<float> row);
};

template <int kBits, bool is_rotated>
constexpr ValueCodec grouped(std::string_view name) {
  using Codec = GroupCodec<kBits, is_rotated>;
  return {name, Codec::row_bytes, Codec::encode, Codec::decode};
}

constexpr ValueCodec kCodecs[] = {
    {"f32", f32_bytes, encode_f32, decode_f32},
    {"f16", f16_bytes, encode_f16, decode_f16},
    grouped<8, false>("int8"),
    grouped<4, true>("int4h"),
    grouped<4, false>("int4"),
};

bool has_zstd(std::string_view name) {
  return name.ends_with(kZstdSuffix);
}

const ValueCodec* find_codec(std::string_view name) {
  if (has_zstd(name)) name.remove_suffix(kZstdSuffix.size());
  for (const ValueCodec& codec : kCodecs) {
    if (codec.name == name) return &codec;
  }
  return nullptr;
}

Error unknown_codec(Code code, std::string_view name) {
  return make_error(code,
                    "codec {} is not known; those known are {}, each with {} behind it or not",
                    printable(name), fmt::join(codec_names(), ", "), kZstdSuffix);
}

struct Rows {
  int64_t count = 1;
  int64_t width = 1;
};

// A shape that the caller vouches for.
Rows rows_of(const Shape& shape) {
  if (shape.count() == 0) return {.count = 0, .width = 0};
  return shape.rank() == 0 ? Rows{} : Rows{shape.rows(), shape.back()};
}

Error too_many_values(const Shape& shape, int64_t most_values) {
  return make_error(Code::Malformed, "a tensor of shape {} has more values than the {} allowed",
                    shape.str(), most_values);
}

// One that nobody does. Zeros do not make up for what would overflow beside them: others multiply
// the extents of what came through here.
Result<Rows> checked_rows(const Shape& shape, int64_t most_values) {
  int64_t product = 1;
  for (const int64_t extent : shape.extents()) {
    if (extent < 0) {
      return make_error(Code::Malformed, "a tensor's shape is {}; extents are not negative",
                        shape.str());
    }
    if (extent == 0) continue;
    if (extent > most_values / product) return too_many_values(shape, most_values);
    product *= extent;
  }
  const Rows rows = rows_of(shape);
  if (rows.count * rows.width > most_values) return too_many_values(shape, most_values);
  return rows;
}

// The bytes of `size` that zstd made of them, in place of `data`.
Status decompress(const PackedTensor& tensor, size_t size, std::vector<std::byte>& out) {
  const auto claimed = ZSTD_getFrameContentSize(tensor.data.data(), tensor.data.size());
  if (claimed != size) {
    return make_error(Code::Malformed,
                      "zstd data of a tensor of shape {} do not say that they hold its {} bytes",
                      tensor.shape.str(), size);
  }
  out.resize(size);
  const size_t got = ZSTD_decompress(out.data(), size, tensor.data.data(), tensor.data.size());
  if (ZSTD_isError(got) || got != size) {
    return make_error(Code::Malformed, "zstd data of a tensor of shape {} are damaged ({})",
                      tensor.shape.str(), ZSTD_isError(got) ? ZSTD_getErrorName(got) : "too short");
  }
  return {};
}

// Keeps what zstd makes of the data where that saves 5 % or more.
void compress(PackedTensor& tensor) {
  std::vector<std::byte> smaller(ZSTD_compressBound(tensor.data.size()));
  const size_t size = ZSTD_compress(smaller.data(), smaller.size(), tensor.data.data(),
                                    tensor.data.size(), kZstdLevel);
  if (ZSTD_isError(size) || size * 20 > tensor.data.size() * 19) return;
  smaller.resize(size);
  tensor.data.assign(smaller.begin(), smaller.end());
  tensor.codec += kZstdSuffix;
}

}  // namespace

std::span<const std::string_view> codec_names() {
  static constexpr auto kNames = [] {
    std::array<std::string_view, std::size(kCodecs)> names;
    for (size_t i = 0; i < names.size(); ++i) names[i] = kCodecs[i].name;
    return names;
  }();
  return kNames;
}

Result<int64_t> packed_bytes(std::string_view name, const Shape& shape) {
  const ValueCodec* const codec = find_codec(name);
  if (codec == nullptr) return unknown_codec(Code::InvalidArgument, name);
  const Rows rows = rows_of(shape);
  return rows.count * codec->row_bytes(rows.width);
}

Result<PackedTensor> pack(std::string_view name, std::span<const float> values,
                          const Shape& shape) {
  const ValueCodec* const codec = find_codec(name);
  if (codec == nullptr) return unknown_codec(Code::InvalidArgument, name);
  const Rows rows = rows_of(shape);
  VERGE_CHECK(rows.count * rows.width == static_cast<int64_t>(values.size()), values.size(),
              shape.str());
  const int64_t row_bytes = codec->row_bytes(rows.width);
  PackedTensor tensor{.codec = std::string(codec->name), .shape = shape, .data = {}};
  tensor.data.resize(static_cast<size_t>(rows.count * row_bytes));
  for (int64_t row = 0; row < rows.count; ++row) {
    const auto in =
        values.subspan(static_cast<size_t>(row * rows.width), static_cast<size_t>(rows.width));
    if (codec->encode(in, tensor.data.data() + row * row_bytes)) continue;
    return make_error(Code::Unsupported,
                      "row {} of a tensor of shape {} has a value that codec {} cannot hold: it is "
                      "not finite or too great; use f32",
                      row, shape.str(), codec->name);
  }
  if (has_zstd(name)) compress(tensor);
  return tensor;
}

Result<std::vector<float>> unpack(const PackedTensor& tensor, int64_t most_values) {
  VERGE_CHECK(most_values >= 0 && most_values < int64_t{1} << 48, most_values);
  const ValueCodec* const codec = find_codec(tensor.codec);
  if (codec == nullptr) return unknown_codec(Code::Unsupported, tensor.codec);
  VERGE_TRY(const Rows rows, checked_rows(tensor.shape, most_values));
  const int64_t row_bytes = codec->row_bytes(rows.width);
  const auto size = static_cast<size_t>(rows.count * row_bytes);
  std::vector<std::byte> decompressed;
  const std::byte* data = tensor.data.data();
  if (has_zstd(tensor.codec)) {
    VERGE_RETURN_IF_ERROR(decompress(tensor, size, decompressed));
    data = decompressed.data();
  } else if (tensor.data.size() != size) {
    return make_error(Code::Malformed, "a tensor of shape {} in {} has {} bytes, not {}",
                      tensor.shape.str(), codec->name, tensor.data.size(), size);
  }
  std::vector<float> values(static_cast<size_t>(rows.count * rows.width));
  for (int64_t row = 0; row < rows.count; ++row) {
    const std::span<float> out(values.data() + row * rows.width, static_cast<size_t>(rows.width));
    if (codec->decode(data + row * row_bytes, out)) continue;
    return make_error(Code::Malformed,
                      "row {} of a tensor of shape {} has a scale that is not finite", row,
                      tensor.shape.str());
  }
  return values;
}

double relative_rms_error(std::span<const float> values, std::span<const float> others) {
  VERGE_CHECK(values.size() == others.size(), values.size(), others.size());
  double error = 0, power = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double value = values[i], difference = value - others[i];
    error += difference * difference;
    power += value * value;
  }
  if (error == 0) return 0;
  return power == 0 ? std::numeric_limits<double>::infinity() : std::sqrt(error / power);
}

}  // namespace verge::net
