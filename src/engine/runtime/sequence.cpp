#include <algorithm>
#include <cstring>
#include <limits>

#include <verge/engine/runtime/sequence.hpp>

namespace verge::runtime {
namespace {

// A page of its own with the content of another one.
Result<int32_t> copy_of_page(Decoder& decoder, int32_t page) {
  VERGE_TRY(const int32_t own, decoder.pool.allocate());
  for (int64_t layer = 0; layer < decoder.layers; ++layer) {
    std::ranges::copy(page_bytes(decoder, layer, page), page_bytes(decoder, layer, own).begin());
  }
  return own;
}

Error cut_off() {
  return make_error(Code::Malformed, "the saved tokens and pages are cut off");
}

}  // namespace

Sequence::~Sequence() {
  if (decoder_ != nullptr) truncate(0);
}

Sequence::Sequence(Sequence&& other) noexcept
    : decoder_(std::exchange(other.decoder_, nullptr)),
      tokens_(std::move(other.tokens_)),
      pages_(std::move(other.pages_)) {}

Sequence& Sequence::operator=(Sequence&& other) noexcept {
  std::swap(decoder_, other.decoder_);
  std::swap(tokens_, other.tokens_);
  std::swap(pages_, other.pages_);
  return *this;
}

size_t Sequence::pages_for(int64_t length) const {
  return static_cast<size_t>((length + decoder_->page_tokens - 1) / decoder_->page_tokens);
}

void Sequence::release_pages_after(size_t count) {
  VERGE_CHECK(count >= pages_for(length()), count, length());
  while (pages_.size() > count) {
    decoder_->pool.release(pages_.back());
    pages_.pop_back();
  }
}

void Sequence::truncate(int64_t length) {
  VERGE_CHECK(length <= this->length(), length, this->length());
  tokens_.resize(static_cast<size_t>(length));
  release_pages_after(pages_for(length));
}

// A page that was full when another sequence began to share it, and is not since a truncation, may
// be the other's: what is added goes to a copy.
Status Sequence::own_last_page() {
  if (length() % decoder_->page_tokens == 0) return {};
  int32_t& last = pages_[static_cast<size_t>(length() / decoder_->page_tokens)];
  if (!decoder_->pool.is_shared(last)) return {};
  VERGE_TRY(const int32_t own, copy_of_page(*decoder_, last));
  decoder_->pool.release(std::exchange(last, own));
  return {};
}

Status Sequence::reserve(int64_t length) {
  if (length > decoder_->context) {
    return make_error(Code::InvalidArgument,
                      "{} tokens do not fit in the context of {}; shorten the prompt or give a "
                      "larger --context",
                      length, decoder_->context);
  }
  if (length > this->length()) VERGE_RETURN_IF_ERROR(own_last_page());
  const size_t before = pages_.size();
  pages_.reserve(pages_for(length));  // what fails here has taken no page yet
  while (pages_.size() < pages_for(length)) {
    Result<int32_t> page = decoder_->pool.allocate();
    if (!page) {
      release_pages_after(before);
      return page.error();
    }
    pages_.push_back(*page);
  }
  return {};
}

void Sequence::extend(std::span<const int32_t> tokens) {
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  VERGE_CHECK(pages_for(length()) <= pages_.size(), length(), pages_.size());
}

Result<Sequence> Sequence::fork() {
  Sequence copy(*decoder_);
  const size_t full = static_cast<size_t>(length() / decoder_->page_tokens);
  for (size_t i = 0; i < full; ++i) {
    decoder_->pool.retain(pages_[i]);
    copy.pages_.push_back(pages_[i]);
  }
  if (full < pages_for(length())) {
    VERGE_TRY(const int32_t own, copy_of_page(*decoder_, pages_[full]));
    copy.pages_.push_back(own);
  }
  copy.tokens_ = tokens_;
  return copy;
}

void Sequence::adopt(std::span<const int32_t> tokens, std::span<const int32_t> pages) {
  VERGE_CHECK(length() == 0 && pages_.empty(), length());
  VERGE_CHECK(tokens.size() == pages.size() * static_cast<size_t>(decoder_->page_tokens),
              tokens.size(), pages.size());
  for (const int32_t page : pages) decoder_->pool.retain(page);
  pages_.assign(pages.begin(), pages.end());
  tokens_.assign(tokens.begin(), tokens.end());
}

void Sequence::write(CheckedWriter& writer) const {
  writer.number<uint64_t>(tokens_.size());
  writer.bytes(std::as_bytes(std::span(tokens_)));
  const auto used = std::span(pages_).first(pages_for(length()));
  for (int64_t layer = 0; layer < decoder_->layers; ++layer) {
    for (const int32_t page : used) writer.bytes(page_bytes(*decoder_, layer, page));
  }
}

Status Sequence::read(CheckedReader& reader) {
  VERGE_CHECK(length() == 0, length());
  const auto count = reader.number<uint64_t>();
  const auto stored = reader.bytes(
      count <= static_cast<uint64_t>(std::numeric_limits<int32_t>::max()) ? count * sizeof(int32_t)
                                                                          : count);
  if (!reader.good()) return cut_off();
  VERGE_RETURN_IF_ERROR(reserve(static_cast<int64_t>(count)));
  for (int64_t layer = 0; layer < decoder_->layers; ++layer) {
    for (const int32_t page : pages_) {
      const auto target = page_bytes(*decoder_, layer, page);
      const auto source = reader.bytes(target.size());
      if (!reader.good()) {
        release_pages_after(0);
        return cut_off();
      }
      std::memcpy(target.data(), source.data(), source.size());
    }
  }
  tokens_.resize(count);
  if (count > 0) std::memcpy(tokens_.data(), stored.data(), stored.size());
  return {};
}

}  // namespace verge::runtime
