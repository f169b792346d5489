#pragma once
// Sequence: tokens and the KV pages that hold their keys and values. It computes nothing: run_step
// (step.hpp) fills the pages and makes it grow. A Sequence belongs to the thread of its Decoder and
// must not outlive it.

#include <span>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/engine/runtime/checked_file.hpp>
#include <verge/engine/runtime/decoder.hpp>

namespace verge::runtime {

class Sequence {
 public:
  explicit Sequence(Decoder& decoder) : decoder_(&decoder) {}
  ~Sequence();
  Sequence(Sequence&& other) noexcept;
  Sequence& operator=(Sequence&& other) noexcept;

  Decoder& decoder() const { return *decoder_; }
  const std::vector<int32_t>& tokens() const { return tokens_; }
  int64_t length() const { return static_cast<int64_t>(tokens_.size()); }
  /// In the order of the tokens, page_tokens each; as many as were reserved.
  std::span<const int32_t> pages() const { return pages_; }

  /// Takes pages for so many tokens, all or none. Fails with InvalidArgument beyond the context,
  /// OutOfMemory when the pool has too few free pages.
  Status reserve(int64_t length);
  /// Forgets all tokens after the first `length`, and gives back the pages that are not needed.
  void truncate(int64_t length);
  /// A second sequence of the same tokens. Only the last, partly filled page is copied. Fails with
  /// OutOfMemory when there is no page for that.
  Result<Sequence> fork();
  /// Starts an empty sequence with full pages that another one filled with exactly these tokens
  /// from position 0 on; they become shared.
  void adopt(std::span<const int32_t> tokens, std::span<const int32_t> pages);

  /// Counts tokens whose keys and values are now in reserved pages. For who runs the model.
  void extend(std::span<const int32_t> tokens);
  /// Gives back all pages after the first `count`, which must hold all tokens.
  void release_pages_after(size_t count);

  /// Tokens and the content of their pages, bit for bit.
  void write(CheckedWriter& writer) const;
  /// Fills an empty sequence with what write() wrote for a decoder of the same model and cache.
  /// Fails with Malformed when that is cut off, and as reserve() does; then it stays empty.
  Status read(CheckedReader& reader);

 private:
  Status own_last_page();
  size_t pages_for(int64_t length) const;

  Decoder* decoder_;
  std::vector<int32_t> tokens_;
  std::vector<int32_t> pages_;
};

}  // namespace verge::runtime
