#pragma once
// The keys and values of a prompt, kept in a file between two runs of a program, so that a prompt
// which begins alike is not computed again. The answer is the same, bit for bit, with the file and
// without: what is taken from it was computed in pieces of at least Decoder::min_chunk tokens, and
// so is what remains.

#include <span>
#include <string>

#include <verge/engine/runtime/session.hpp>

namespace verge::serve {

struct CachedPrompt {
  runtime::Session session;  // of the first tokens of the prompt
  bool whole = false;        // the file has all of the prompt: there is nothing to save
  std::string complaint{};   // why a file that is there was not used
};

/// A file that is not there holds nothing; a damaged one is passed over with a complaint. Fails
/// with Conflict for a file of another model, adapter or type of cache, which nobody may want to
/// lose.
Result<CachedPrompt> restore_prompt(runtime::Decoder& decoder, int32_t adapter,
                                    const std::string& path, std::span<const int32_t> prompt);

/// Keeps the first `length` tokens of the session, and forgets those after them. The file that was
/// there stays as it is on failure.
Status save_prompt(runtime::Session& session, int64_t length, const std::string& path);

}  // namespace verge::serve
