#include <algorithm>
#include <filesystem>
#include <fstream>

#include <verge/stages/serve/generate/prompt_cache.hpp>

namespace verge::serve {
namespace {

// Damaged it may be, but nobody's text or model: what begins like one is replaced.
bool is_prompt_cache(const std::string& path) {
  std::string begin(runtime::Session::kFileMagic.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  return file.read(begin.data(), std::ssize(begin)) && begin == runtime::Session::kFileMagic;
}

}  // namespace

Result<CachedPrompt> restore_prompt(runtime::Decoder& decoder, int32_t adapter,
                                    const std::string& path, std::span<const int32_t> prompt) {
  CachedPrompt cached{runtime::Session(decoder)};
  cached.session.set_adapter(adapter);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return cached;
  if (std::filesystem::file_size(path, error) > 0 && !is_prompt_cache(path)) {
    return make_error(Code::Conflict, "{}: no prompt cache; it is left as it is, give another file",
                      path);
  }
  auto saved = runtime::Session::restore(decoder, path, adapter);
  if (!saved && saved.error().code == Code::Conflict) {
    return make_error(Code::Conflict, "{}; or give another file, or remove this one",
                      saved.error().message);
  }
  if (!saved) {
    cached.complaint = saved.error().message + "; the prompt is computed again";
    return cached;
  }
  const auto same = std::ranges::mismatch(saved->tokens(), prompt).in1 - saved->tokens().begin();
  const auto length = static_cast<int64_t>(prompt.size());
  cached.whole = same == length;
  // The last one was run again, alone, when the file was read.
  int64_t kept = std::min({int64_t{same}, saved->length() - 1, length - decoder.min_chunk});
  if (saved->length() < decoder.min_chunk || kept < 0) kept = 0;
  saved->truncate(kept);
  cached.session = std::move(*saved);
  return cached;
}

Status save_prompt(runtime::Session& session, int64_t length, const std::string& path) {
  session.truncate(std::min(length, session.length()));
  return session.save(path);
}

}  // namespace verge::serve
