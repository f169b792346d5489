#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>

#include <zlib.h>

#include <verge/core/checksum.hpp>
#include <verge/core/file.hpp>
#include <verge/engine/model/image_csv.hpp>
#include <verge/engine/model/image_data.hpp>

namespace verge::model {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kClasses = 10;
constexpr uint32_t kImageMagic = 0x803, kLabelMagic = 0x801;  // u8, rank 3; u8, rank 1
constexpr size_t kLargestFile = size_t{1} << 30;
constexpr double kCsvHeldOut = 0.2;
constexpr int64_t kJsonSide = 28, kJsonTest = 1000;

// gzread also reads files that are not compressed.
Result<std::vector<uint8_t>> inflate_file(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (file == nullptr) return make_error(Code::Io, "{}: cannot be opened", path);
  std::vector<uint8_t> bytes;
  constexpr size_t kChunk = size_t{1} << 20;
  for (int read = 1; read > 0;) {
    const size_t size = bytes.size();
    if (size > kLargestFile) {
      return make_error(Code::Unsupported, "{}: more than 1 GiB of data", path);
    }
    bytes.resize(size + kChunk);
    read = gzread(file.get(), bytes.data() + size, kChunk);
    bytes.resize(size + static_cast<size_t>(std::max(read, 0)));
    if (read < 0) {
      return make_error(Code::Malformed, "{}: the gzip data is damaged; download it again", path);
    }
  }
  return bytes;
}

uint32_t big_endian(std::span<const uint8_t> bytes, size_t word) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | bytes[4 * word + i];
  return value;
}

struct Idx {
  std::vector<uint32_t> extents;
  std::vector<uint8_t> values;
};

Result<Idx> read_idx(const std::string& path, uint32_t magic) {
  VERGE_TRY(std::vector<uint8_t> bytes, inflate_file(path));
  const size_t rank = magic & 0xff, header = 4 + 4 * rank;
  if (bytes.size() < header) {
    return make_error(Code::Malformed, "{}: {} bytes, an IDX header has {}; download it again",
                      path, bytes.size(), header);
  }
  if (big_endian(bytes, 0) != magic) {
    return make_error(Code::Malformed,
                      "{}: magic {:#x}, wanted {:#x}; this is not the IDX file of "
                      "its name",
                      path, big_endian(bytes, 0), magic);
  }
  Idx idx;
  uint64_t count = 1;
  for (size_t i = 0; i < rank; ++i) {
    idx.extents.push_back(big_endian(bytes, i + 1));
    count = std::min<uint64_t>(count * std::max<uint64_t>(idx.extents.back(), 1), kLargestFile * 4);
    if (idx.extents.back() == 0) {
      return make_error(Code::Malformed, "{}: extent {} is 0; download it again", path, i);
    }
  }
  if (bytes.size() - header != count) {
    return make_error(Code::Malformed,
                      "{}: {} bytes of data, the header promises {}; download it again", path,
                      bytes.size() - header, count);
  }
  idx.values.assign(bytes.begin() + static_cast<std::ptrdiff_t>(header), bytes.end());
  return idx;
}

Result<std::string> plain_or_gz(const fs::path& folder, const std::string& name) {
  for (const std::string& file : {name, name + ".gz"}) {
    if (fs::exists(folder / file)) return (folder / file).string();
  }
  return make_error(Code::NotFound, "{}: neither there nor as .gz; all four IDX files are needed",
                    (folder / name).string());
}

Result<ImageSet> read_idx_set(const fs::path& folder, const std::string& prefix) {
  VERGE_TRY(const std::string image_path, plain_or_gz(folder, prefix + "-images-idx3-ubyte"));
  VERGE_TRY(const std::string label_path, plain_or_gz(folder, prefix + "-labels-idx1-ubyte"));
  VERGE_TRY(Idx images, read_idx(image_path, kImageMagic));
  VERGE_TRY(const Idx labels, read_idx(label_path, kLabelMagic));
  if (images.extents[0] != labels.extents[0]) {
    return make_error(Code::Malformed, "{}: {} labels for {} images", label_path, labels.extents[0],
                      images.extents[0]);
  }
  for (size_t i = 0; i < labels.values.size(); ++i) {
    if (labels.values[i] < kClasses) continue;
    return make_error(Code::Malformed, "{}: label {} of image {} is not below {}", label_path,
                      labels.values[i], i, kClasses);
  }
  return ImageSet{images.extents[1],
                  images.extents[2],
                  std::move(images.values),
                  {labels.values.begin(), labels.values.end()}};
}

Error bad_json(const std::string& path, size_t image, std::string_view what) {
  return make_error(Code::Malformed, "{}: image {}: {}; install the package again", path, image,
                    what);
}

// The numbers of one "[...]"; `text` is moved behind it. An empty list separates images.
Result<std::vector<uint8_t>> next_image(std::string_view& text, const std::string& path,
                                        size_t image) {
  std::vector<uint8_t> pixels;
  text.remove_prefix(1);
  while (!text.empty() && text.front() != ']') {
    unsigned value = 256;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value > 255) return bad_json(path, image, "not a pixel value");
    pixels.push_back(static_cast<uint8_t>(value));
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    text.remove_prefix(std::min(text.find_first_not_of(", \n"), text.size()));
  }
  if (text.empty()) return bad_json(path, image, "the file ends within it");
  text.remove_prefix(1);
  if (!pixels.empty() && pixels.size() != kJsonSide * kJsonSide) {
    return bad_json(path, image, fmt::format("{} pixels, not 784", pixels.size()));
  }
  return pixels;
}

Status read_json_class(const std::string& path, int32_t label, ImageData& data) {
  VERGE_TRY(const std::string file, read_whole_file(path, kLargestFile));
  std::string_view text = file;
  const size_t outer = text.find('[');
  text.remove_prefix(outer == std::string_view::npos ? text.size() : outer + 1);
  int64_t count = 0;
  for (size_t at = text.find('['); at != std::string_view::npos; at = text.find('[')) {
    text.remove_prefix(at);
    VERGE_TRY(const std::vector<uint8_t> image, next_image(text, path, static_cast<size_t>(count)));
    if (image.empty()) continue;
    ImageSet& set = count++ < kJsonTest ? data.test : data.training;
    set.pixels.insert(set.pixels.end(), image.begin(), image.end());
    set.labels.push_back(label);
  }
  if (count > kJsonTest) return {};
  return bad_json(path, static_cast<size_t>(count), "the file ends before the training images");
}

Result<ImageData> read_json_folder(const fs::path& folder) {
  ImageData data;
  for (ImageSet* set : {&data.training, &data.test}) set->height = set->width = kJsonSide;
  for (int32_t label = 0; label < kClasses; ++label) {
    const fs::path path = folder / fmt::format("{}.json", label);
    VERGE_RETURN_IF_ERROR(read_json_class(path.string(), label, data));
  }
  return data;
}

Result<ImageData> read_idx_folder(const fs::path& folder) {
  ImageData data;
  VERGE_TRY(data.training, read_idx_set(folder, "train"));
  VERGE_TRY(data.test, read_idx_set(folder, "t10k"));
  if (data.training.height != data.test.height || data.training.width != data.test.width) {
    return make_error(Code::Malformed, "{}: training images are {} x {}, test images {} x {}",
                      folder.string(), data.training.height, data.training.width, data.test.height,
                      data.test.width);
  }
  return data;
}

Result<ImageData> read_csv(const std::string& path) {
  VERGE_TRY(const std::vector<uint8_t> bytes, inflate_file(path));
  return parse_image_csv({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path,
                         kCsvHeldOut);
}

Result<ImageData> read_any(const fs::path& folder) {
  if (fs::is_regular_file(folder)) return read_csv(folder.string());
  for (const fs::path& place : {folder, folder / "data"}) {
    if (plain_or_gz(place, "train-images-idx3-ubyte")) return read_idx_folder(place);
  }
  for (const fs::path& place : {folder / "src" / "clothes", folder}) {
    if (fs::exists(place / "0.json")) return read_json_folder(place);
  }
  return make_error(
      Code::NotFound,
      "{}: no train-images-idx3-ubyte[.gz] (here or in data/) and no 0.json (here or "
      "in src/clothes/); give the folder of MNIST's IDX files or of the npm package, or "
      "a CSV file",
      folder.string());
}

}  // namespace

Result<ImageData> read_image_data(const std::string& place) {
  VERGE_TRY(ImageData data, read_any(place));
  uint64_t sum = 0;
  for (const ImageSet* set : {&data.training, &data.test}) {
    sum = sum * 31 + checksum(std::as_bytes(std::span(set->pixels)));
    sum = sum * 31 + checksum(std::as_bytes(std::span(set->labels)));
  }
  data.checksum = fmt::format("{:016x}", sum);
  return data;
}

}  // namespace verge::model
