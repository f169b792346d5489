#include <cstring>
#include <span>

#include <verge/engine/runtime/checkpoint.hpp>

namespace verge::runtime {
namespace {

constexpr std::string_view kCheckpointMagic = "VERGECKP";
constexpr uint32_t kCheckpointVersion = 2;

Status check_origin(const std::string& path, CheckedReader& reader, const Checkpoint& into) {
  const std::string_view optimizer = reader.text(), note = reader.text();
  if (optimizer != into.optimizer) {
    return make_error(Code::Conflict,
                      "{}: the checkpoint is of the optimizer \"{}\", this run has \"{}\"; give "
                      "the same options or another --checkpoint",
                      path, optimizer, into.optimizer);
  }
  if (note != into.note) {
    return make_error(Code::Conflict,
                      "{}: made with other data or options; use those or another --checkpoint",
                      path);
  }
  return {};
}

}  // namespace

Status write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  CheckedWriter writer(std::move(file), kCheckpointMagic);
  writer.number(kCheckpointVersion);
  writer.number(checkpoint.step);
  writer.text(checkpoint.optimizer);
  writer.text(checkpoint.note);
  writer.number<uint64_t>(checkpoint.tensors.size());
  for (const auto& [name, view] : checkpoint.tensors) write_tensor(writer, name, view);
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
  VERGE_RETURN_IF_ERROR(check_origin(path, reader, into));
  if (reader.number<uint64_t>() != into.tensors.size()) {
    return make_error(Code::Conflict, "{}: the checkpoint of another model", path);
  }
  std::vector<std::span<const std::byte>> found;
  for (const auto& [name, view] : into.tensors) {
    const TensorHeader header = read_header(reader);
    if (!reader.good() || header.name != name || !header.fits(view)) {
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
