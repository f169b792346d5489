#include <algorithm>

#include <verge/core/clock.hpp>
#include <verge/stages/serve/collab/recall.hpp>

namespace verge::serve {

Result<TokensMessage> recall(CloudLink& link, double timeout_s) {
  const SystemClock clock;
  const double until_s = clock.seconds() + timeout_s;
  while (const auto message = link.receive(std::max(0.0, until_s - clock.seconds()))) {
    if (const auto* tokens = std::get_if<TokensMessage>(&*message)) return *tokens;
  }
  return make_error(Code::Io, "the server did not say within {} s what it was told of the session",
                    timeout_s);
}

Result<std::vector<int32_t>> said_after(std::span<const int32_t> prompt,
                                        std::span<const int32_t> told) {
  if (told.empty()) return std::vector<int32_t>();
  if (told.size() < prompt.size() || !std::equal(prompt.begin(), prompt.end(), told.begin())) {
    return make_error(Code::Conflict,
                      "the session has another text than this prompt; give the same prompt, or "
                      "another name for the session");
  }
  const auto said = told.subspan(prompt.size());
  return std::vector<int32_t>(said.begin(), said.end());
}

}  // namespace verge::serve
