#include <utility>

#include <verge/engine/text/grammar/grammar_constraint.hpp>
#include <verge/engine/text/grammar/token_masks.hpp>

namespace verge::text {
namespace {

class GrammarConstraint : public TokenConstraint {
 public:
  GrammarConstraint(std::shared_ptr<grammar::TokenMasks> masks, bool starts_text)
      : masks_(std::move(masks)), position_(masks_->begin()), first_(starts_text) {}

  void mask(std::span<uint64_t> bits) override { masks_->mask(position_, first_, bits); }

  void accept(int32_t token) override {
    const TokenTrie& trie = masks_->trie();
    if (trie.is_end(token)) return;
    std::string_view piece = trie.piece(token);
    if (piece.empty()) {
      position_ = {};
      return;
    }
    if (first_ && trie.drops_first_space() && piece.starts_with(' ')) piece.remove_prefix(1);
    first_ = false;
    position_ = masks_->advance(position_, piece);
  }

  bool is_complete() const override { return position_.complete; }
  bool is_finished() const override { return position_.is_finished(); }

  std::unique_ptr<TokenConstraint> clone() const override {
    return std::make_unique<GrammarConstraint>(*this);
  }

  std::string describe() const override {
    std::string text = masks_->grammar().kind();
    if (masks_->overflowed()) {
      text +=
          " (given up: it can be read in too many ways at once, or nests too deep; make its "
          "alternatives differ earlier)";
    }
    return text;
  }

 private:
  std::shared_ptr<grammar::TokenMasks> masks_;
  grammar::Position position_;
  bool first_;
};

Result<std::shared_ptr<const Grammar>> read(GrammarCache::Kind kind, std::string_view text) {
  switch (kind) {
    case GrammarCache::Kind::Gbnf:
      return Grammar::from_gbnf(text);
    case GrammarCache::Kind::JsonSchema:
      return Grammar::from_json_schema(text);
    case GrammarCache::Kind::JsonObject:
      return Grammar::json_object();
    case GrammarCache::Kind::Regex:
      return Grammar::from_regex(text);
  }
  return make_error(Code::Internal, "grammar: no such kind");
}

}  // namespace

std::unique_ptr<TokenConstraint> constraint(std::shared_ptr<grammar::TokenMasks> masks,
                                            ConstraintOptions options) {
  return std::make_unique<GrammarConstraint>(std::move(masks), options.starts_text);
}

std::unique_ptr<TokenConstraint> constraint(std::shared_ptr<const Grammar> grammar,
                                            std::shared_ptr<const TokenTrie> trie,
                                            ConstraintOptions options) {
  return constraint(std::make_shared<grammar::TokenMasks>(std::move(grammar), std::move(trie)),
                    options);
}

struct GrammarCache::Entry {
  Kind kind;
  std::string text;
  std::shared_ptr<grammar::TokenMasks> masks;
  size_t bytes() const { return text.size() + masks->bytes(); }
};

GrammarCache::GrammarCache(std::shared_ptr<const TokenTrie> trie, size_t capacity,
                           size_t most_bytes)
    : trie_(std::move(trie)), capacity_(capacity), most_bytes_(most_bytes) {}

GrammarCache::~GrammarCache() = default;

std::shared_ptr<grammar::TokenMasks> GrammarCache::find(Kind kind, std::string_view text) {
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->kind != kind || entry->text != text) continue;
    entries_.splice(entries_.begin(), entries_, entry);
    return entries_.front().masks;
  }
  return nullptr;
}

// But for the last used.
void GrammarCache::trim() {
  std::list<Entry> dropped;  // large: freed without the lock
  const std::lock_guard lock(mutex_);
  size_t count = 0, bytes = 0;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const size_t more = entry->bytes();
    const bool is_kept = count == 0 || (count < capacity_ && bytes + more <= most_bytes_);
    count += is_kept ? 1 : 0;
    bytes += is_kept ? more : 0;
    const auto next = std::next(entry);
    if (!is_kept) dropped.splice(dropped.end(), entries_, entry);
    entry = next;
  }
}

size_t GrammarCache::bytes() {
  const std::lock_guard lock(mutex_);
  size_t bytes = 0;
  for (const Entry& entry : entries_) bytes += entry.bytes();
  return bytes;
}

size_t GrammarCache::size() {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

// Reading is done outside of the lock: a large schema keeps nobody waiting, and two that come at
// once are read twice.
Result<std::unique_ptr<TokenConstraint>> GrammarCache::constraint(Kind kind, std::string_view text,
                                                                  ConstraintOptions options) {
  if (kind == Kind::JsonObject) text = {};
  std::shared_ptr<grammar::TokenMasks> masks = find(kind, text);
  if (masks == nullptr) {
    VERGE_TRY(auto grammar, read(kind, text));
    masks = std::make_shared<grammar::TokenMasks>(std::move(grammar), trie_);
    const std::lock_guard lock(mutex_);
    entries_.push_front({kind, std::string(text), masks});
  }
  trim();
  return text::constraint(std::move(masks), options);
}

}  // namespace verge::text
