#include <algorithm>

#include <verge/engine/text/token_bits.hpp>
#include <verge/stages/serve/generate/least_tokens.hpp>

namespace verge::serve {
namespace {

class LeastTokens : public text::TokenConstraint {
 public:
  LeastTokens(int64_t left, std::shared_ptr<const std::vector<int32_t>> ends,
              std::unique_ptr<text::TokenConstraint> inner)
      : left_(left), ends_(std::move(ends)), inner_(std::move(inner)) {}

  void mask(std::span<uint64_t> bits) override {
    if (inner_) {
      inner_->mask(bits);
    } else {
      std::ranges::fill(bits, ~uint64_t{0});
    }
    if (left_ <= 0) return;
    std::vector<int32_t> cleared;
    for (const int32_t token : *ends_) {
      if (!text::has_token(bits, token)) continue;
      text::drop_token(bits, token);
      cleared.push_back(token);
    }
    if (std::ranges::any_of(bits, [](uint64_t word) { return word != 0; })) return;
    for (const int32_t token : cleared) text::add_token(bits, token);
  }

  void accept(int32_t token) override {
    --left_;
    if (inner_) inner_->accept(token);
  }

  bool is_complete() const override { return left_ <= 0 && (!inner_ || inner_->is_complete()); }
  bool is_finished() const override { return inner_ && inner_->is_finished(); }

  std::unique_ptr<text::TokenConstraint> clone() const override {
    return std::make_unique<LeastTokens>(left_, ends_, inner_ ? inner_->clone() : nullptr);
  }

  std::string describe() const override {
    return inner_ ? inner_->describe() : "the least number of tokens";
  }

 private:
  int64_t left_;
  std::shared_ptr<const std::vector<int32_t>> ends_;
  std::unique_ptr<text::TokenConstraint> inner_;
};

}  // namespace

std::unique_ptr<text::TokenConstraint> least_tokens(int64_t count, std::vector<int32_t> ends,
                                                    std::unique_ptr<text::TokenConstraint> inner) {
  return std::make_unique<LeastTokens>(
      count, std::make_shared<const std::vector<int32_t>>(std::move(ends)), std::move(inner));
}

}  // namespace verge::serve
