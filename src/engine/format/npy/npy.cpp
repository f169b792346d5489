#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>

#include <verge/core/file.hpp>
#include <verge/engine/format/byte_reader.hpp>
#include <verge/engine/format/npy/npy.hpp>

namespace verge::format {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kAlignment = 64;

struct NpyType {
  std::string_view descr;
  DType dtype;
  bool is_bool;
};

constexpr NpyType kTypes[] = {
    {"<f4", DType::F32, false}, {"<f8", DType::F64, false}, {"<f2", DType::F16, false},
    {"<i8", DType::I64, false}, {"<i4", DType::I32, false}, {"|i1", DType::I8, false},
    {"|u1", DType::U8, false},  {"|b1", DType::U8, true},
};

// Reads the literal that follows "'key':" in a header; keys are written once, by NumPy.
class NpyHeader {
 public:
  explicit NpyHeader(std::string_view text) : text_(text) {}

  Result<std::string_view> value(std::string_view key) const {
    const size_t found = text_.find(fmt::format("'{}':", key));
    if (found == std::string_view::npos) {
      return make_error(Code::Malformed, "its header has no '{}'; write it by numpy.save", key);
    }
    std::string_view rest = text_.substr(found + key.size() + 3);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    return rest;
  }

  Result<NpyType> type() const {
    VERGE_TRY(const std::string_view text, value("descr"));
    const std::string_view quoted = text.substr(0, text.find_first_of(",}"));
    for (const NpyType& type : kTypes) {
      if (quoted == fmt::format("'{}'", type.descr)) return type;
    }
    return make_error(Code::Unsupported,
                      "its values are of type {}; convert them to float32, float64, float16, "
                      "int64, int32, int8, uint8 or bool",
                      quoted);
  }

  Result<Shape> shape() const {
    VERGE_TRY(std::string_view text, value("shape"));
    const size_t end = text.find(')');
    if (text.empty() || text[0] != '(' || end == std::string_view::npos) return bad_shape(text);
    text = text.substr(1, end - 1);
    std::vector<int64_t> extents;
    int64_t count = 1;
    while (true) {
      text.remove_prefix(std::min(text.find_first_not_of(" ,"), text.size()));
      if (text.empty()) return Shape(std::span<const int64_t>(extents));
      int64_t extent = -1;
      const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
      if (error != std::errc() || extent < 0) return bad_shape(text);
      if (extent > 0 && count > (int64_t{1} << 40) / extent) return bad_shape(text);
      count *= std::max<int64_t>(extent, 1);
      extents.push_back(extent);
      if (extents.size() > Shape::kMaxRank) {
        return make_error(Code::Unsupported, "it has more than {} axes", Shape::kMaxRank);
      }
      text.remove_prefix(static_cast<size_t>(rest - text.data()));
    }
  }

 private:
  static Error bad_shape(std::string_view text) {
    return make_error(Code::Malformed, "its header has the shape \"{}\"; write it by numpy.save",
                      text.substr(0, 60));
  }

  std::string_view text_;
};

Result<std::string_view> header_text(ByteReader& in) {
  VERGE_TRY(const auto magic, in.take(kMagic.size(), "the magic"));
  if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0) {
    return make_error(Code::Malformed, "not an NPY file; write it by numpy.save");
  }
  VERGE_TRY(const auto major, in.read<uint8_t>("version"));
  VERGE_TRY(const auto minor, in.read<uint8_t>("version"));
  if (major < 1 || major > 3) {
    return make_error(Code::Unsupported, "NPY of version {}.{}, known are 1 to 3", major, minor);
  }
  uint64_t length = 0;
  if (major == 1) {
    VERGE_TRY(length, in.read<uint16_t>("header length"));
  } else {
    VERGE_TRY(length, in.read<uint32_t>("header length"));
  }
  VERGE_TRY(const auto text, in.take(length, "header"));
  return std::string_view(reinterpret_cast<const char*>(text.data()), text.size());
}

Result<NpyArray> parse(std::span<const std::byte> bytes) {
  ByteReader in(bytes);
  VERGE_TRY(const std::string_view text, header_text(in));
  const NpyHeader header(text);
  VERGE_TRY(const NpyType type, header.type());
  VERGE_TRY(const std::string_view order, header.value("fortran_order"));
  if (!order.starts_with("False")) {
    return make_error(Code::Unsupported,
                      "its values are in Fortran order; write numpy.ascontiguousarray(array)");
  }
  VERGE_TRY(const Shape shape, header.shape());
  const auto wanted = static_cast<uint64_t>(bytes_of(type.dtype, shape.count()));
  if (in.remaining() != wanted) {
    return make_error(Code::Malformed, "{} bytes of values for {}, which takes {}; write it again",
                      in.remaining(), shape.str(), wanted);
  }
  NpyArray array{Tensor(type.dtype, shape), type.is_bool};
  if (wanted > 0) std::memcpy(array.tensor.view().data, in.rest().data(), wanted);
  return array;
}

}  // namespace

Result<NpyArray> parse_npy(std::span<const std::byte> bytes, std::string_view path) {
  auto array = parse(bytes);
  if (array) return array;
  return make_error(array.error().code, "{}: {}", path, array.error().message);
}

Result<NpyArray> read_npy(const std::string& path) {
  VERGE_TRY(const MappedFile file, MappedFile::open(path));
  return parse_npy(file.bytes(), path);
}

Result<std::string> npy_header(DType dtype, const Shape& shape, bool is_bool) {
  const auto* type = std::ranges::find_if(kTypes, [&](const NpyType& candidate) {
    return candidate.dtype == dtype && candidate.is_bool == is_bool;
  });
  if (type == std::end(kTypes)) {
    return make_error(Code::Unsupported, "NPY has no type for {}", name(dtype));
  }
  std::string extents;
  for (int64_t extent : shape.extents()) extents += fmt::format("{}, ", extent);
  if (shape.rank() > 1) extents.resize(extents.size() - 2);
  if (shape.rank() == 1) extents.resize(extents.size() - 1);
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                 type->descr, extents);
  const size_t before = kMagic.size() + 4;
  text.resize((before + text.size() + kAlignment) / kAlignment * kAlignment - before - 1, ' ');
  text += '\n';
  std::string header(kMagic);
  header +=
      {'\1', '\0', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return header + text;
}

Status write_npy(const std::string& path, const TensorView& tensor, bool is_bool) {
  VERGE_TRY(const std::string header, npy_header(tensor.dtype, tensor.shape, is_bool));
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  VERGE_RETURN_IF_ERROR(file.write(header));
  VERGE_RETURN_IF_ERROR(
      file.write(std::span(tensor.as<const std::byte>(), static_cast<size_t>(tensor.bytes()))));
  return file.commit();
}

}  // namespace verge::format
