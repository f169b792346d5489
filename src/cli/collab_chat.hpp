#pragma once
// `verge chat --cloud HOST:PORT`: a talk with a split model, in one session of both machines.

#include <verge/cli/collab_device.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/talk.hpp>

namespace verge::cli {

/// Fails as the engine and the node's credentials do, never because of the link.
Status chat_with_cloud(const CollabOptions& options, const ModelOptions& model,
                       const serve::AnswerOptions& answer, const TalkOptions& chat,
                       Context& context);

}  // namespace verge::cli
