// A saved session: VERGESES, version, identity of the model, type of the cache, tokens a page, the
// tokens, the used KV pages of every layer, checksum.

#include <cstring>

#include <verge/engine/runtime/checked_file.hpp>
#include <verge/engine/runtime/session.hpp>

namespace verge::runtime {
namespace {

constexpr std::string_view kMagic = "VERGESES";
constexpr uint32_t kVersion = 1;

DType cache_type(const Decoder& decoder) {
  return decoder.states.all().at("kv.0").dtype;
}

Error other_model(const std::string& path, std::string_view what) {
  return make_error(Code::Conflict, "{}: saved with another {}; start a new session", path, what);
}

}  // namespace

Status Session::save(const std::string& path) const {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  CheckedWriter writer(std::move(file), kMagic);
  writer.number(kVersion);
  writer.text(decoder_->identity);
  writer.number(static_cast<uint32_t>(cache_type(*decoder_)));
  writer.number(decoder_->page_tokens);
  writer.number<uint64_t>(tokens_.size());
  writer.bytes(std::as_bytes(std::span(tokens_)));
  for (int64_t layer = 0; layer < decoder_->layers; ++layer) {
    for (int32_t page : pages_) writer.bytes(page_bytes(*decoder_, layer, page));
  }
  return writer.finish();
}

Status Session::load(const std::string& path) {
  VERGE_TRY(const MappedFile file, MappedFile::open(path));
  VERGE_TRY(const auto content, checked_content(file, kMagic));
  CheckedReader reader(content);
  if (reader.number<uint32_t>() != kVersion) return other_model(path, "version of Verge");
  if (reader.text() != decoder_->identity) return other_model(path, "model");
  if (reader.number<uint32_t>() != static_cast<uint32_t>(cache_type(*decoder_))) {
    return other_model(path, "type of KV cache");
  }
  if (reader.number<int64_t>() != decoder_->page_tokens) return other_model(path, "page size");
  const auto count = reader.number<uint64_t>();
  const auto stored = reader.bytes(count <= content.size() ? count * sizeof(int32_t) : count);
  if (!reader.good()) return make_error(Code::Malformed, "{}: the session is cut off", path);
  std::vector<int32_t> tokens(count);
  if (count > 0) std::memcpy(tokens.data(), stored.data(), stored.size());
  VERGE_RETURN_IF_ERROR(reserve(static_cast<int64_t>(count)));
  for (int64_t layer = 0; layer < decoder_->layers; ++layer) {
    for (int32_t page : pages_) {
      const auto target = page_bytes(*decoder_, layer, page);
      const auto source = reader.bytes(target.size());
      if (!reader.good()) return make_error(Code::Malformed, "{}: the session is cut off", path);
      std::memcpy(target.data(), source.data(), source.size());
    }
  }
  tokens_ = std::move(tokens);
  return {};
}

Result<Session> Session::restore(Decoder& decoder, const std::string& path) {
  Session session(decoder);
  VERGE_RETURN_IF_ERROR(session.load(path));
  if (session.length() > 0) {
    const int32_t last = session.tokens_.back();
    session.truncate(session.length() - 1);
    VERGE_RETURN_IF_ERROR(session.append(std::span(&last, 1)));
  }
  return session;
}

}  // namespace verge::runtime
