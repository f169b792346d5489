#pragma once
// Samples of a network for `verge quantize`: pictures and folders of them, prepared as `verge run`
// does, arrays (.npy), or the labelled images that `verge train image` reads.

#include <string>
#include <vector>

#include <verge/cli/picture_options.hpp>
#include <verge/stages/fit/quantize_network/quantize_network.hpp>

namespace verge::cli {

/// `count` of what is in `places` at most, drawn by `seed`; all for 0. Labels: folders in a folder
/// of pictures are classes, in the order of their names; images of `verge train image` have theirs,
/// of which `held_out` takes the test set. Fails as the readers do, NotFound for an empty place.
Result<fit::SampleSet> read_samples(const std::vector<std::string>& places, int64_t count,
                                    uint64_t seed, bool held_out, const std::string& network,
                                    const PictureRunOptions& pictures, ThreadPool& pool);

}  // namespace verge::cli
