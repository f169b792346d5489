#pragma once
// The policy of a server's step: which sessions' states run next, together. A pure function.
//
// Sessions whose token is waited for come first, the least served tenant's before others, then by
// arrival; only where nobody waits are prompts run ahead of need (background fill). Tokens that
// were decoded are left until they are needed: run together later they cost no more, and less if
// they never are.

#include <cstdint>
#include <span>
#include <vector>

namespace verge::serve {

/// A session that has states to run.
struct SegmentCandidate {
  size_t id = 0;
  bool is_asked = false;  // Finish requests wait; all states they need are there
  double served = 0;      // FairShare::served of its tenant
  uint64_t arrival = 0;
  int64_t done = 0;         // the next position
  int64_t end = 0;          // of what is to run: the last Finish's, or what there is
  int64_t same_end = 0;     // SessionStates::same_end(done)
  int64_t prompt_end = 0;   // SessionStates::prompt_end(done)
  int64_t first_asked = 0;  // where is_asked: the position of the first Finish
};

/// Of runtime::Decoder.
struct SegmentLimits {
  int64_t tokens = 512;
  int64_t sequences = 1;
  int64_t outputs = 1;
  int64_t min_chunk = 1;
  int64_t fill_tokens = 128;  // a Finish that comes meanwhile waits no longer
};

struct SegmentPart {
  size_t id = 0;
  int64_t positions = 0;
  bool one_by_one = false;  // runtime::StepItem::one_by_one
  int64_t outputs = 0;      // rows of logits of the last of them: from the first Finish's on, or
                            // where a prompt ends that is run ahead
  bool operator==(const SegmentPart&) const = default;
};

/// At most one part a session.
std::vector<SegmentPart> plan_segments(std::span<const SegmentCandidate> candidates,
                                       const SegmentLimits& limits);

}  // namespace verge::serve
