#include <algorithm>
#include <tuple>

#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/collab/segment_plan.hpp>

namespace verge::serve {
namespace {

// What is left of a step.
struct Room {
  int64_t tokens;
  int64_t sequences;
  int64_t outputs;
};

// Positions of one prompt, or decoded ones, never both.
SegmentPart part_of(const SegmentCandidate& candidate, const Room& room, int64_t min_chunk) {
  SegmentPart part{.id = candidate.id};
  if (room.sequences < 1) return part;
  const int64_t there = std::min(candidate.end, candidate.same_end) - candidate.done;
  const int64_t most = std::min(there, room.tokens);
  if (candidate.prompt_end > 0) {
    const int64_t rest = std::max(candidate.prompt_end - candidate.done, int64_t{1});
    // A Finish within a prompt, which no device of ours sends, needs no more of it.
    part.positions = candidate.is_asked && candidate.end < candidate.prompt_end
                         ? most
                         : runtime::next_chunk(rest, most, min_chunk);
  } else {
    part.positions = std::min(most, room.sequences);
    part.one_by_one = true;
  }
  const int64_t first = candidate.is_asked ? candidate.first_asked : candidate.prompt_end - 1;
  const int64_t wanted = std::max<int64_t>(0, candidate.done + part.positions - first);
  part.outputs = std::min(wanted, room.outputs);
  part.positions = part.outputs > 0 || wanted == 0 ? part.positions - (wanted - part.outputs) : 0;
  return part;
}

}  // namespace

std::vector<SegmentPart> plan_segments(std::span<const SegmentCandidate> candidates,
                                       const SegmentLimits& limits) {
  std::vector<SegmentCandidate> order(candidates.begin(), candidates.end());
  std::ranges::sort(order, {}, [](const SegmentCandidate& candidate) {
    return std::tuple(!candidate.is_asked, candidate.served, candidate.arrival);
  });
  const bool is_idle = order.empty() || !order[0].is_asked;
  Room room{is_idle ? std::min(limits.tokens, std::max(limits.fill_tokens, 2 * limits.min_chunk))
                    : limits.tokens,
            limits.sequences, limits.outputs};
  std::vector<SegmentPart> parts;
  for (const SegmentCandidate& candidate : order) {
    if (!candidate.is_asked && (!is_idle || candidate.prompt_end == 0)) continue;
    const SegmentPart part = part_of(candidate, room, limits.min_chunk);
    if (part.positions == 0) continue;
    room.tokens -= part.positions;
    room.sequences -= part.one_by_one ? part.positions : 1;
    room.outputs -= part.outputs;
    parts.push_back(part);
  }
  return parts;
}

}  // namespace verge::serve
