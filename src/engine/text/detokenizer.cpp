#include <utility>

#include <verge/engine/text/detokenizer.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, DecodeOptions options)
    : tokenizer_(tokenizer), options_(options) {}

std::string Detokenizer::push(int32_t token) {
  held_ += tokenizer_.decode({&token, 1}, options_);
  if (!tokenizer_.is_special(token)) options_.starts_text = false;
  const size_t unfinished = unfinished_bytes(held_);
  std::string rest = held_.substr(held_.size() - unfinished);
  held_.resize(held_.size() - unfinished);
  return repaired_utf8(std::exchange(held_, std::move(rest)));
}

std::string Detokenizer::flush() {
  return repaired_utf8(std::exchange(held_, {}));
}

}  // namespace verge::text
