#pragma once
// `verge run NET PICTURES...`: what a network sees on pictures.

#include <verge/cli/command.hpp>
#include <verge/cli/network_run.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/picture_options.hpp>

namespace verge::cli {

/// Prints each picture's answer in their order, and draws it into network.output_dir, if given.
/// Pictures that cannot be read are reported and passed over; the command fails at its end.
Status run_pictures(const PictureRunOptions& options, const NetworkRunOptions& network,
                    const ModelOptions& model, Context& context);

}  // namespace verge::cli
