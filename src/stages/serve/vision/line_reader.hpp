#pragma once
// LineReader: what one line of text says: a recogniser, and perhaps a classifier that sees lines
// that stand on their heads. As PaddleOCR's networks take them: 48 pixels high, (p / 255 - 0.5) /
// 0.5, BGR.

#include <memory>
#include <string>

#include <verge/stages/serve/vision/ctc.hpp>
#include <verge/stages/serve/vision/vision_network.hpp>
#include <verge/stages/serve/vision/warp.hpp>

namespace verge::serve {

struct LineReaderFiles {
  std::string recognizer = {};
  std::string characters = {};
  std::string classifier = {};  // empty: all lines are upright
};

class LineReader {
 public:
  /// Fails as open_vision_network does; the list of characters is checked by the first line.
  static Result<LineReader> open(const LineReaderFiles& files, ThreadPool& pool,
                                 const runtime::PlanOptions& options = {});

  /// Of the picture's part in `quad`; where that is half as high again as wide, it is turned.
  Result<ReadText> read(const Image& picture, const Quad& quad);
  std::vector<std::string> reference_nodes() const;
  /// As VisionNetwork's, of all its networks.
  std::vector<graph::PartitionReport> partitions() const;

 private:
  LineReader() = default;
  Result<bool> is_upside_down(const Image& line);

  LineReaderFiles files_;
  std::unique_ptr<VisionNetwork> recognizer_, classifier_;
  std::vector<std::string> characters_;
};

}  // namespace verge::serve
