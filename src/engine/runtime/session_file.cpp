// A saved session: VERGESES, version, identity of the model, type of the cache, tokens a page, the
// tokens, the used KV pages of every layer, checksum.

#include <verge/engine/runtime/checked_file.hpp>
#include <verge/engine/runtime/session.hpp>

namespace verge::runtime {
namespace {

constexpr uint32_t kSessionVersion = 1;

DType cache_type(const Decoder& decoder) {
  return decoder.states.all().at("kv.0").dtype;
}

// Keys and values are those of one model with one adapter.
std::string identity(const Decoder& decoder, int32_t adapter) {
  if (adapter < 0) return decoder.identity;
  return decoder.identity + "+" + decoder.adapters[static_cast<size_t>(adapter)];
}

Error other_model(const std::string& path, std::string_view what) {
  return make_error(Code::Conflict, "{}: saved with another {}; start a new session", path, what);
}

}  // namespace

Status Session::save(const std::string& path) const {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  const Decoder& decoder = sequence_.decoder();
  CheckedWriter writer(std::move(file), Session::kFileMagic);
  writer.number(kSessionVersion);
  writer.text(identity(decoder, adapter_));
  writer.number(static_cast<uint32_t>(cache_type(decoder)));
  writer.number(decoder.page_tokens);
  sequence_.write(writer);
  return writer.finish();
}

Status Session::load(const std::string& path) {
  VERGE_TRY(const MappedFile file, MappedFile::open(path));
  VERGE_TRY(const auto content, checked_content(file, Session::kFileMagic));
  const Decoder& decoder = sequence_.decoder();
  CheckedReader reader(content);
  if (reader.number<uint32_t>() != kSessionVersion) return other_model(path, "version of Verge");
  if (reader.text() != identity(decoder, adapter_))
    return other_model(path, "model, adapter or instruction set");
  if (reader.number<uint32_t>() != static_cast<uint32_t>(cache_type(decoder))) {
    return other_model(path, "type of KV cache");
  }
  if (reader.number<int64_t>() != decoder.page_tokens) return other_model(path, "page size");
  const Status status = sequence_.read(reader);
  if (status || status.error().code != Code::Malformed) return status;
  return make_error(Code::Malformed, "{}: {}", path, status.error().message);
}

Result<Session> Session::restore(Decoder& decoder, const std::string& path, int32_t adapter) {
  Session session(decoder);
  session.set_adapter(adapter);
  VERGE_RETURN_IF_ERROR(session.load(path));
  if (session.length() > 0) {
    const int32_t last = session.tokens().back();
    session.truncate(session.length() - 1);
    VERGE_RETURN_IF_ERROR(session.append(std::span(&last, 1)));
  }
  return session;
}

}  // namespace verge::runtime
