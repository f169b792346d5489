#pragma once
// Session: one conversation with a language model: a Sequence and the logits after it. It can be
// forked (both share the pages written so far), truncated, saved and restored. A Session belongs to
// one thread and must not outlive its Decoder.

#include <atomic>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/runtime/sequence.hpp>

namespace verge::runtime {

class Session {
 public:
  explicit Session(Decoder& decoder) : sequence_(decoder) {}

  /// Runs the model over these tokens. Fails with InvalidArgument when they exceed the context,
  /// OutOfMemory when no page is free, Cancelled when `cancel` becomes true; after a failure the
  /// session is as before.
  Status append(std::span<const int32_t> tokens, const std::atomic<bool>* cancel = nullptr);
  /// The same, calling `visit(position, logits)` with the logits [vocab] after every token.
  using LogitsVisitor = std::function<void(int64_t position, std::span<const float> logits)>;
  Status append(std::span<const int32_t> tokens, const LogitsVisitor& visit,
                const std::atomic<bool>* cancel = nullptr);
  /// Logits [vocab] after the last token; empty if that was truncated away, or after a cancelled
  /// append. Valid until the next call on any session of the decoder.
  std::span<const float> logits() const { return logits_; }

  /// The adapter (an index into decoder.adapters, -1 for none) of all tokens of this session, of
  /// which there are none yet.
  void set_adapter(int32_t adapter);
  int32_t adapter() const { return adapter_; }

  const std::vector<int32_t>& tokens() const { return sequence_.tokens(); }
  int64_t length() const { return sequence_.length(); }
  /// For who drafts on it and takes that back: what it adds must not stay.
  Sequence& sequence() { return sequence_; }

  /// A second session with the same tokens. Only the last, partly filled page is copied.
  Result<Session> fork();
  /// Forgets all tokens after the first `length`.
  void truncate(int64_t length);

  /// What the file of a saved session begins with.
  static constexpr std::string_view kFileMagic = "VERGESES";
  /// Writes tokens and KV pages to a file, atomically and with a checksum.
  Status save(const std::string& path) const;
  /// Reads a saved session and runs its last token again, for the logits. Fails with Malformed for
  /// a damaged file, Conflict for another model's, another adapter's or another type of cache,
  /// OutOfMemory when no page is free, InvalidArgument when it exceeds the context.
  static Result<Session> restore(Decoder& decoder, const std::string& path, int32_t adapter = -1);

 private:
  Status load(const std::string& path);
  Status run_chunk(std::span<const int32_t> tokens, int64_t outputs,
                   const std::atomic<bool>* cancel);
  using ChunkRunner = std::function<Status(std::span<const int32_t> chunk)>;
  Status in_chunks(std::span<const int32_t> tokens, int64_t most, const ChunkRunner& run);

  Sequence sequence_;
  std::span<const float> logits_;
  int32_t adapter_ = -1;
};

}  // namespace verge::runtime
