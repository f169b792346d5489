#pragma once
// What a device that was started again can know of the answer that it had begun: its server kept
// the tokens, where it had been told them (EdgeOptions::audit).
//
//   CloudLink link(connect, hello, limits);   // hello.wants_tokens
//   VERGE_TRY(const TokensMessage told, recall(link, 5));
//   VERGE_TRY(const std::vector<int32_t> said, driver->take_over(prompt, told));

#include <verge/stages/serve/collab/cloud_link.hpp>

namespace verge::serve {

/// What the server was told in this session, before anything else is received; none where it was
/// told nothing. Waits for it `timeout_s` at most; fails with Io where it does not come.
Result<TokensMessage> recall(CloudLink& link, double timeout_s);

/// What follows the prompt in `told`; nothing for no tokens. Fails with Conflict where these begin
/// otherwise.
Result<std::vector<int32_t>> said_after(std::span<const int32_t> prompt,
                                        std::span<const int32_t> told);

}  // namespace verge::serve
