#include <algorithm>
#include <functional>
#include <map>

#include <verge/engine/text/special_tokens.hpp>

namespace verge::text {

// As C's isspace has it, which is what llama.cpp strips.
constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";

SpecialTokens::SpecialTokens(const std::vector<Entry>& entries) {
  std::map<size_t, Length, std::greater<>> by_length;
  for (const Entry& entry : entries) {
    if (entry.text.empty()) continue;
    Length& length = by_length[entry.text.size()];
    length.bytes = entry.text.size();
    length.first.set(static_cast<uint8_t>(entry.text[0]));
    length.tokens.emplace(entry.text, Match{entry.token, entry.strips_after});
  }
  for (auto& [bytes, length] : by_length) lengths_.push_back(std::move(length));
}

std::vector<Fragment> SpecialTokens::split(std::string_view text) const {
  std::vector<Fragment> fragments;
  if (!text.empty()) fragments.push_back({text});
  std::vector<Fragment> finer;
  for (const Length& length : lengths_) {
    finer.clear();
    for (const Fragment& fragment : fragments) {
      if (fragment.token >= 0) {
        finer.push_back(fragment);
      } else {
        split_fragment(length, fragment.text, finer);
      }
    }
    fragments.swap(finer);
  }
  return fragments;
}

void SpecialTokens::split_fragment(const Length& length, std::string_view text,
                                   std::vector<Fragment>& out) {
  size_t done = 0;
  std::string candidate;
  for (size_t at = 0; at + length.bytes <= text.size();) {
    const bool possible = length.first.test(static_cast<uint8_t>(text[at]));
    if (possible) candidate = text.substr(at, length.bytes);
    const auto token = possible ? length.tokens.find(candidate) : length.tokens.end();
    if (token == length.tokens.end()) {
      ++at;
      continue;
    }
    if (at > done) out.push_back({text.substr(done, at - done)});
    out.push_back({text.substr(at, length.bytes), token->second.token});
    at += length.bytes;
    if (token->second.strips_after) {
      at = std::min(text.find_first_not_of(kWhiteSpace, at), text.size());
    }
    done = at;
  }
  if (done < text.size()) out.push_back({text.substr(done)});
}

}  // namespace verge::text
