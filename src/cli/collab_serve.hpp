#pragma once
// `verge serve --cloud HOST:PORT`: a served model of which this machine runs the first layers.

#include <verge/cli/collab_device.hpp>
#include <verge/stages/serve/scheduler/model_face.hpp>

namespace verge::cli {

/// Has the model loaded as this machine's share, and answered with its cloud, at most so many
/// requests at once. Fails with InvalidArgument for mode cloud, as collab_layers, and as
/// CollabDevice::create.
Status share_with_cloud(const CollabOptions& options, int64_t max_running,
                        serve::ServedModel& model);

}  // namespace verge::cli
