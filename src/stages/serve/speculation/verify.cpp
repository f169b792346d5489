#include <algorithm>

#include <verge/stages/serve/speculation/verify.hpp>

namespace verge::serve {
namespace {

Result<Piece> draw(Answer& answer, const Draft& draft, std::span<const float> logits, size_t row) {
  if (row >= draft.drawn_from.size()) return answer.draw(logits);
  return answer.draw(logits, {draft.tokens[row], draft.drawn_from[row]});
}

}  // namespace

void append(Piece& all, Piece piece) {
  all.text += piece.text;
  all.tokens.insert(all.tokens.end(), piece.tokens.begin(), piece.tokens.end());
  std::ranges::move(piece.logprobs, std::back_inserter(all.logprobs));
}

Result<Drawn> verify(Answer& answer, const Draft& draft,
                     std::span<const std::span<const float>> rows) {
  VERGE_CHECK(rows.size() == draft.tokens.size() + 1, rows.size(), draft.tokens.size());
  Drawn drawn;
  for (size_t row = 0; row < rows.size(); ++row) {
    VERGE_TRY(Piece piece, draw(answer, draft, rows[row], row));
    const bool is_drafted = row < draft.tokens.size() && !piece.tokens.empty() &&
                            piece.tokens.back() == draft.tokens[row];
    append(drawn.piece, std::move(piece));
    drawn.kept += is_drafted ? 1 : 0;
    if (answer.reason() || !is_drafted) break;
    ++drawn.run;
  }
  return drawn;
}

int64_t useful_drafts(const Answer& answer, int64_t room) {
  const int64_t limit = answer.options().max_tokens;
  const auto drawn = static_cast<int64_t>(answer.tokens().size());
  return std::min(room - 1, limit < 0 ? room - 1 : limit - drawn - 1);
}

int64_t most_draft(const runtime::Decoder& decoder) {
  return std::max<int64_t>(
      std::min({decoder.min_chunk - 2, decoder.max_outputs - 1, decoder.max_tokens - 1}), 0);
}

}  // namespace verge::serve
