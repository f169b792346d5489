#pragma once
// The rule by which drafts are kept, for one sequence and for those of a batch: the answer draws
// from each row of logits in turn, as without drafts, for as long as it draws the token that was
// run next.

#include <span>

#include <verge/engine/runtime/decoder.hpp>
#include <verge/stages/serve/speculation/draft.hpp>

namespace verge::serve {

struct Drawn {
  Piece piece;
  int64_t kept = 0;  // drafts that were drawn
  int64_t run = 1;   // of the tokens that were run, those the sequence keeps: the rest was wrong
};

/// Adds what a further step drew.
void append(Piece& all, Piece piece);

/// rows[0] are the logits [vocab] after the answer's newest token, rows[i] those after the i-th
/// draft. Fails as Answer::draw does.
Result<Drawn> verify(Answer& answer, const Draft& draft,
                     std::span<const std::span<const float>> rows);

/// Most drafts that an answer could use, whose sequence has room for so many tokens: it draws one
/// token more than it has drafts.
int64_t useful_drafts(const Answer& answer, int64_t room);

/// Tokens that may be drafted on this decoder: with more, rows of a step could differ in bits from
/// runs of one token (Decoder::min_chunk).
int64_t most_draft(const runtime::Decoder& decoder);

}  // namespace verge::serve
