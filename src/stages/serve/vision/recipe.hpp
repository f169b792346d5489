#pragma once
// VisionRecipe: everything about how a network is to be used, decided before the first picture.

#include <string>
#include <vector>

#include <verge/stages/serve/vision/detect.hpp>
#include <verge/stages/serve/vision/text_regions.hpp>
#include <verge/stages/serve/vision/vision_network.hpp>

namespace verge::serve {

struct VisionRecipe {
  Task task = Task::Classify;
  Preprocessing how = {};
  VisionInput input = {};    // extents that are open are 0 only for text
  int64_t longest_side = 0;  // of text: larger pictures are shrunk to it
  std::vector<std::string> labels = {};
  DetectionOptions detection = {};
  TextRegionOptions text = {};
  std::vector<std::string> assumed =
      {};  // what nobody said: "mean and std of ImageNet (--mean, --std)"

  /// The network's input for a picture of this size. Extents of text are multiples of 32.
  PictureShape shape_for(int64_t height, int64_t width) const;
};

/// `given` is stronger than what the network says. Fails with InvalidArgument for a size that
/// contradicts the network, or a task that neither says nor its output shows.
Result<VisionRecipe> recipe_for(const VisionNetwork& network, const VisionSettings& given);

}  // namespace verge::serve
