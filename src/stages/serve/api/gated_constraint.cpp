#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include <verge/engine/text/token_bits.hpp>
#include <verge/stages/serve/api/gated_constraint.hpp>

namespace verge::serve::api {
namespace {

struct Shared {
  std::shared_ptr<const text::Tokenizer> tokenizer;
  std::vector<Bypass> gates;
  std::vector<int32_t> ends = {};       // tokens that end a generation
  std::vector<int32_t> line_ends = {};  // tokens of line ends alone
  std::vector<int32_t> beyond = {};     // tokens that may go beyond the end of a gate
};

bool is_line_ends(std::string_view text) {
  return text.find_first_not_of('\n') == text.npos;
}

class GatedConstraint : public text::TokenConstraint {
 public:
  GatedConstraint(std::unique_ptr<text::TokenConstraint> inner,
                  std::shared_ptr<const Shared> shared, bool begun)
      : inner_(std::move(inner)),
        shared_(std::move(shared)),
        where_(begun ? Where::Inside : Where::Before) {}

  GatedConstraint(const GatedConstraint& other)
      : inner_(other.inner_->clone()),
        shared_(other.shared_),
        where_(other.where_),
        gate_(other.gate_),
        follows_gate_(other.follows_gate_),
        text_(other.text_) {}

  void mask(std::span<uint64_t> bits) override {
    switch (where_) {
      case Where::Before:
        inner_->mask(bits);
        for (const Bypass& gate : shared_->gates) allow_opening(gate.open, bits);
        if (follows_gate_) {
          for (const int32_t token : shared_->line_ends) text::add_token(bits, token);
        }
        break;
      case Where::Opening:
        std::ranges::fill(bits, uint64_t{0});
        for (const Bypass& gate : shared_->gates) {
          if (gate.open.starts_with(text_)) allow_opening(gate.open.substr(text_.size()), bits);
        }
        break;
      case Where::Inside:
        std::ranges::fill(bits, ~uint64_t{0});
        if (gate().close.empty()) break;
        for (const int32_t token : shared_->ends) text::drop_token(bits, token);
        for (const int32_t token : shared_->beyond) {
          if (!is_line_ends(behind_close(token))) text::drop_token(bits, token);
        }
        break;
      case Where::Behind:
        inner_->mask(bits);
    }
  }

  void accept(int32_t token) override {
    if (where_ == Where::Before && std::exchange(follows_gate_, false) &&
        std::ranges::find(shared_->line_ends, token) != shared_->line_ends.end()) {
      return;
    }
    if (where_ == Where::Behind || (where_ == Where::Before && !opens(token))) {
      where_ = Where::Behind;
      return inner_->accept(token);
    }
    text_ += shared_->tokenizer->piece(token);
    if (where_ != Where::Inside) enter();
    if (where_ == Where::Inside) look_for_close();
  }

  bool is_complete() const override {
    if (where_ == Where::Inside) return gate().close.empty();
    return where_ != Where::Opening && inner_->is_complete();
  }
  bool is_finished() const override { return where_ == Where::Behind && inner_->is_finished(); }
  std::unique_ptr<TokenConstraint> clone() const override {
    return std::make_unique<GatedConstraint>(*this);
  }
  std::string describe() const override { return inner_->describe(); }

 private:
  enum class Where { Before, Opening, Inside, Behind };

  const Bypass& gate() const { return shared_->gates[gate_]; }
  // A token whose text `rest` begins with, or that begins with it.
  bool continues(int32_t token, std::string_view rest) const {
    const std::string_view piece = shared_->tokenizer->piece(token);
    return !piece.empty() && !shared_->tokenizer->is_end(token) &&
           (rest.starts_with(piece) || piece.starts_with(rest));
  }

  void allow_opening(std::string_view rest, std::span<uint64_t> bits) const {
    for (int32_t token = 0; token < shared_->tokenizer->size(); ++token) {
      if (continues(token, rest)) text::add_token(bits, token);
    }
  }

  // What the constraint allows is the constraint's.
  bool opens(int32_t token) {
    const bool may_open = std::ranges::any_of(
        shared_->gates, [&](const Bypass& gate) { return continues(token, gate.open); });
    if (!may_open) return false;
    std::vector<uint64_t> bits(text::token_words(shared_->tokenizer->size()));
    inner_->mask(bits);
    return !text::has_token(bits, token);
  }

  // Openings may begin alike: which it is shows when one is whole.
  void enter() {
    const auto whole = std::ranges::find_if(
        shared_->gates, [&](const Bypass& gate) { return text_.starts_with(gate.open); });
    where_ = whole == shared_->gates.end() ? Where::Opening : Where::Inside;
    if (where_ == Where::Opening) return;
    gate_ = static_cast<size_t>(whole - shared_->gates.begin());
    text_.erase(0, gate().open.size());
  }

  // What this token would add behind the end of the gate: it would be lost to the constraint.
  std::string behind_close(int32_t token) const {
    const std::string text = text_ + std::string(shared_->tokenizer->piece(token));
    const size_t at = text.find(gate().close);
    return at == text.npos ? std::string() : text.substr(at + gate().close.size());
  }

  void look_for_close() {
    const std::string& close = gate().close;
    if (close.empty()) {
      text_.clear();
    } else if (text_.find(close) != std::string::npos) {
      text_.clear();
      where_ = Where::Before;
      follows_gate_ = true;
    } else if (text_.size() > close.size()) {
      text_.erase(0, text_.size() - close.size());
    }
  }

  std::unique_ptr<text::TokenConstraint> inner_;
  std::shared_ptr<const Shared> shared_;
  Where where_;
  size_t gate_ = 0;
  bool follows_gate_ = false;  // so that line ends may come
  std::string text_;           // of the gate, as far as it counts
};

}  // namespace

std::unique_ptr<text::TokenConstraint> gated(std::unique_ptr<text::TokenConstraint> inner,
                                             std::shared_ptr<const text::Tokenizer> tokenizer,
                                             std::vector<Bypass> gates, bool begun) {
  Shared shared{std::move(tokenizer), std::move(gates)};
  for (int32_t token = 0; token < shared.tokenizer->size(); ++token) {
    const std::string_view piece = shared.tokenizer->piece(token);
    if (shared.tokenizer->is_end(token)) shared.ends.push_back(token);
    const bool is_line_end = !piece.empty() && is_line_ends(piece);
    if (is_line_end && !shared.tokenizer->is_special(token)) shared.line_ends.push_back(token);
    const bool is_beyond = std::ranges::any_of(shared.gates, [&](const Bypass& gate) {
      const size_t last = gate.close.empty() ? piece.npos : piece.find(gate.close.back());
      return last != piece.npos && last + 1 < piece.size();
    });
    if (is_beyond) shared.beyond.push_back(token);
  }
  return std::make_unique<GatedConstraint>(
      std::move(inner), std::make_shared<const Shared>(std::move(shared)), begun);
}

}  // namespace verge::serve::api
