#pragma once
// Options of `verge run NET PICTURES...`, and what they stand for.

#include <string>
#include <vector>

#include <verge/cli/parser.hpp>
#include <verge/stages/serve/vision/picture_runner.hpp>

namespace verge::cli {

struct PictureRunOptions {
  std::vector<std::string> files;
  std::string task, image_size, resize, filter, channels, labels, settings;
  std::vector<double> mean, deviation;
  double crop = 0, scale = 0, confidence = 0, iou = 0;  // 0: not said
  serve::PictureOptions run;

  void declare(Parser& parser);
  /// Fails with InvalidArgument naming the option, or as the files of labels and settings do.
  Result<serve::PictureOptions> read() const;
};

}  // namespace verge::cli
