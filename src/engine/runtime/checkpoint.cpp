#include <cstring>
#include <span>

#include <verge/core/checksum.hpp>
#include <verge/core/file.hpp>
#include <verge/engine/runtime/checkpoint.hpp>

namespace verge::runtime {
namespace {

constexpr std::string_view kMagic = "VERGECKP";
constexpr uint32_t kVersion = 1;

class Writer {
 public:
  explicit Writer(AtomicFile file) : file_(std::move(file)) {}

  void bytes(std::span<const std::byte> data) {
    if (!status_) return;
    sum_.add(data);
    status_ = file_.write(data);
  }
  template <typename T>
  void number(T value) {
    bytes(std::as_bytes(std::span(&value, 1)));
  }
  void text(std::string_view value) {
    number<uint64_t>(value.size());
    bytes(std::as_bytes(std::span(value)));
  }
  Status finish() {
    number(sum_.value());
    VERGE_RETURN_IF_ERROR(status_);
    return file_.commit();
  }

 private:
  AtomicFile file_;
  Checksum sum_;
  Status status_;
};

// Reads what Writer wrote from bytes whose checksum is right; still refuses to run past the end.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> data) : data_(data) {}

  std::span<const std::byte> bytes(uint64_t count) {
    if (count > data_.size()) {
      good_ = false;
      return {};
    }
    const auto taken = data_.first(count);
    data_ = data_.subspan(count);
    return taken;
  }
  template <typename T>
  T number() {
    T value{};
    const auto taken = bytes(sizeof(T));
    if (good_) std::memcpy(&value, taken.data(), sizeof(T));
    return value;
  }
  std::string_view text() {
    const auto taken = bytes(number<uint64_t>());
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  bool good() const { return good_; }

 private:
  std::span<const std::byte> data_;
  bool good_ = true;
};

// The file's content without its checksum.
Result<std::span<const std::byte>> checked_content(const MappedFile& file) {
  const auto all = file.bytes();
  uint64_t stored = 0;
  const bool long_enough = all.size() >= kMagic.size() + sizeof(stored);
  if (!long_enough || std::memcmp(all.data(), kMagic.data(), kMagic.size()) != 0) {
    return make_error(Code::Malformed, "{}: not a checkpoint of Verge", file.path());
  }
  const auto content = all.first(all.size() - sizeof(stored));
  std::memcpy(&stored, all.data() + content.size(), sizeof(stored));
  if (checksum(content) != stored) {
    return make_error(Code::Malformed,
                      "{}: the checksum is wrong, the file is damaged; start anew or use a copy",
                      file.path());
  }
  return content.subspan(kMagic.size());
}

bool describes(Reader& reader, const std::string& name, const TensorView& view) {
  const std::string_view stored_name = reader.text();
  const auto dtype = reader.number<uint32_t>(), rank = reader.number<uint32_t>();
  if (stored_name != name || dtype != static_cast<uint32_t>(view.dtype) ||
      rank != static_cast<uint32_t>(view.shape.rank())) {
    return false;
  }
  for (int64_t extent : view.shape.extents()) {
    if (reader.number<int64_t>() != extent) return false;
  }
  return reader.good();
}

}  // namespace

Status write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  Writer writer(std::move(file));
  writer.bytes(std::as_bytes(std::span(kMagic)));
  writer.number(kVersion);
  writer.number(checkpoint.step);
  writer.text(checkpoint.note);
  writer.number<uint64_t>(checkpoint.tensors.size());
  for (const auto& [name, view] : checkpoint.tensors) {
    writer.text(name);
    writer.number(static_cast<uint32_t>(view.dtype));
    writer.number(static_cast<uint32_t>(view.shape.rank()));
    for (int64_t extent : view.shape.extents()) writer.number(extent);
    writer.bytes({view.as<std::byte>(), static_cast<size_t>(view.bytes())});
  }
  return writer.finish();
}

Status read_checkpoint(const std::string& path, Checkpoint& into) {
  VERGE_TRY(const MappedFile file, MappedFile::open(path));
  VERGE_TRY(const auto content, checked_content(file));
  Reader reader(content);
  if (reader.number<uint32_t>() != kVersion) {
    return make_error(Code::Unsupported,
                      "{}: a checkpoint of another version; finish it with that version", path);
  }
  const auto step = reader.number<uint64_t>();
  if (reader.text() != into.note) {
    return make_error(Code::Conflict,
                      "{}: made with other data or options; use those or another --checkpoint",
                      path);
  }
  if (reader.number<uint64_t>() != into.tensors.size()) {
    return make_error(Code::Conflict, "{}: the checkpoint of another model", path);
  }
  std::vector<std::span<const std::byte>> found;
  for (const auto& [name, view] : into.tensors) {
    if (!describes(reader, name, view)) {
      return make_error(Code::Conflict, "{}: tensor {} differs from the model's", path, name);
    }
    found.push_back(reader.bytes(static_cast<uint64_t>(view.bytes())));
  }
  if (!reader.good()) return make_error(Code::Malformed, "{}: the checkpoint is cut off", path);
  for (size_t i = 0; i < found.size(); ++i) {
    std::memcpy(into.tensors[i].second.data, found[i].data(), found[i].size());
  }
  into.step = step;
  return {};
}

}  // namespace verge::runtime
