#include <cstring>
#include <span>

#include <verge/engine/runtime/checked_file.hpp>
#include <verge/engine/runtime/checkpoint.hpp>

namespace verge::runtime {
namespace {

constexpr std::string_view kCheckpointMagic = "VERGECKP";
constexpr uint32_t kCheckpointVersion = 1;

bool describes(CheckedReader& reader, const std::string& name, const TensorView& view) {
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
  CheckedWriter writer(std::move(file), kCheckpointMagic);
  writer.number(kCheckpointVersion);
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
  VERGE_TRY(const auto content, checked_content(file, kCheckpointMagic));
  CheckedReader reader(content);
  if (reader.number<uint32_t>() != kCheckpointVersion) {
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
