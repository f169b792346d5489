#include <algorithm>
#include <cstring>

#include <verge/engine/runtime/session.hpp>

namespace verge::runtime {

std::span<std::byte> page_bytes(const Decoder& decoder, int64_t layer, int32_t page) {
  const TensorView& cache = decoder.states.all().at(fmt::format("kv.{}", layer));
  const int64_t bytes = cache.bytes() / cache.shape[0];
  return {cache.as<std::byte>() + page * bytes, static_cast<size_t>(bytes)};
}

namespace {

// A page of its own with the content of another one.
Result<int32_t> copy_of_page(Decoder& decoder, int32_t page) {
  VERGE_TRY(const int32_t own, decoder.pool.allocate());
  for (int64_t layer = 0; layer < decoder.layers; ++layer) {
    std::ranges::copy(page_bytes(decoder, layer, page), page_bytes(decoder, layer, own).begin());
  }
  return own;
}

// A file may name more tokens than its embedding has rows.
Status check_tokens(std::span<const int32_t> tokens, int64_t vocab) {
  for (const int32_t token : tokens) {
    if (token >= 0 && token < vocab) continue;
    return make_error(
        Code::InvalidArgument,
        "token {} is not one of the {} that the model has rows for; convert the model "
        "again",
        token, vocab);
  }
  return {};
}

}  // namespace

Session::~Session() {
  if (decoder_ != nullptr) truncate(0);
}

Session::Session(Session&& other) noexcept
    : decoder_(std::exchange(other.decoder_, nullptr)),
      tokens_(std::move(other.tokens_)),
      pages_(std::move(other.pages_)),
      logits_(other.logits_) {}

Session& Session::operator=(Session&& other) noexcept {
  std::swap(decoder_, other.decoder_);
  std::swap(tokens_, other.tokens_);
  std::swap(pages_, other.pages_);
  std::swap(logits_, other.logits_);
  return *this;
}

void Session::truncate(int64_t length) {
  VERGE_CHECK(length <= this->length(), length, this->length());
  const auto needed =
      static_cast<size_t>((length + decoder_->page_tokens - 1) / decoder_->page_tokens);
  for (size_t i = needed; i < pages_.size(); ++i) decoder_->pool.release(pages_[i]);
  pages_.resize(std::min(pages_.size(), needed));
  if (length < this->length()) logits_ = {};
  tokens_.resize(static_cast<size_t>(length));
}

// Makes room for `length` tokens; on failure nothing has changed.
Status Session::reserve(int64_t length) {
  if (length > decoder_->context) {
    return make_error(Code::InvalidArgument,
                      "{} tokens do not fit in the context of {}; shorten the prompt or give a "
                      "larger --context",
                      length, decoder_->context);
  }
  // A page that was full when a fork shared it, and is not since a truncation, may be another's.
  if (length > this->length() && this->length() % decoder_->page_tokens != 0) {
    int32_t& last = pages_[static_cast<size_t>(this->length() / decoder_->page_tokens)];
    if (decoder_->pool.is_shared(last)) {
      VERGE_TRY(const int32_t own, copy_of_page(*decoder_, last));
      decoder_->pool.release(std::exchange(last, own));
    }
  }
  const size_t before = pages_.size();
  while (static_cast<int64_t>(pages_.size()) * decoder_->page_tokens < length) {
    Result<int32_t> page = decoder_->pool.allocate();
    if (!page) {
      while (pages_.size() > before) {
        decoder_->pool.release(pages_.back());
        pages_.pop_back();
      }
      return page.error();
    }
    pages_.push_back(*page);
  }
  return {};
}

// Runs one chunk that follows tokens_; the last `outputs` rows get logits.
Status Session::run_chunk(std::span<const int32_t> tokens, int64_t outputs,
                          const std::atomic<bool>* cancel) {
  Plan& plan = tokens.size() == 1 ? decoder_->decode : decoder_->prefill;
  const auto count = static_cast<int64_t>(tokens.size());
  std::ranges::copy(tokens, plan.input("tokens").as<int32_t>());
  int32_t* positions = plan.input("positions").as<int32_t>();
  int32_t* slots = plan.input("slots").as<int32_t>();
  std::memset(plan.input("token_sequence").data, 0, tokens.size() * sizeof(int32_t));
  for (int64_t t = 0; t < count; ++t) {
    const int64_t position = length() + t;
    const int64_t page = pages_[static_cast<size_t>(position / decoder_->page_tokens)];
    positions[t] = static_cast<int32_t>(position);
    slots[t] =
        static_cast<int32_t>(page * decoder_->page_tokens + position % decoder_->page_tokens);
  }
  std::ranges::copy(pages_, plan.input("page_table").as<int32_t>());
  int32_t* rows = plan.input("output_rows").as<int32_t>();
  for (int64_t i = 0; i < outputs; ++i) rows[i] = static_cast<int32_t>(count - outputs + i);
  const int64_t extents[] = {count, outputs};
  logits_ = {};  // a run that is stopped half-way has written over them
  if (!plan.run(extents, cancel)) return make_error(Code::Cancelled, "stopped");
  const float* logits = plan.output("logits").as<float>();
  logits_ = {logits + (outputs - 1) * decoder_->vocab, static_cast<size_t>(decoder_->vocab)};
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  return {};
}

Status Session::append(std::span<const int32_t> tokens, const std::atomic<bool>* cancel) {
  const int64_t before = length();
  VERGE_RETURN_IF_ERROR(check_tokens(tokens, decoder_->vocab));
  Status status = reserve(before + static_cast<int64_t>(tokens.size()));
  while (status && !tokens.empty()) {
    const auto chunk = std::min(tokens.size(), static_cast<size_t>(decoder_->max_tokens));
    status = run_chunk(tokens.first(chunk), 1, cancel);
    tokens = tokens.subspan(chunk);
  }
  if (!status) truncate(before);
  return status;
}

Status Session::append(std::span<const int32_t> tokens, const LogitsVisitor& visit,
                       const std::atomic<bool>* cancel) {
  const int64_t before = length();
  VERGE_RETURN_IF_ERROR(check_tokens(tokens, decoder_->vocab));
  Status status = reserve(before + static_cast<int64_t>(tokens.size()));
  while (status && !tokens.empty()) {
    const auto chunk = std::min(
        tokens.size(), static_cast<size_t>(std::min(decoder_->max_tokens, decoder_->max_outputs)));
    const int64_t first = length();
    status = run_chunk(tokens.first(chunk), static_cast<int64_t>(chunk), cancel);
    tokens = tokens.subspan(chunk);
    if (!status) break;
    const float* rows = logits_.data() - (static_cast<int64_t>(chunk) - 1) * decoder_->vocab;
    for (size_t i = 0; i < chunk; ++i) {
      visit(first + static_cast<int64_t>(i), {rows + static_cast<int64_t>(i) * decoder_->vocab,
                                              static_cast<size_t>(decoder_->vocab)});
    }
  }
  if (!status) truncate(before);
  return status;
}

Result<Session> Session::fork() {
  Session copy(*decoder_);
  copy.tokens_ = tokens_;
  copy.logits_ = logits_;
  const bool partial = length() % decoder_->page_tokens != 0;
  for (size_t i = 0; i < pages_.size(); ++i) {
    if (partial && i + 1 == pages_.size()) {
      VERGE_TRY(const int32_t own, copy_of_page(*decoder_, pages_[i]));
      copy.pages_.push_back(own);
    } else {
      decoder_->pool.retain(pages_[i]);
      copy.pages_.push_back(pages_[i]);
    }
  }
  return copy;
}

}  // namespace verge::runtime
