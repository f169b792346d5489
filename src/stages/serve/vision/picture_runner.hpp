#pragma once
// PictureRunner: a network's answers on many pictures: read ahead, run in batches, given in order.
//
//   VERGE_TRY(PictureRunner runner, PictureRunner::open("net.onnx", options, pool));
//   VERGE_TRY(const PictureCounts counts, runner.run(files, [](const PictureAnswer& answer, const
//   Image&) { ... }));

#include <atomic>
#include <memory>
#include <optional>

#include <verge/engine/format/image/reader.hpp>
#include <verge/stages/serve/vision/classify.hpp>
#include <verge/stages/serve/vision/line_reader.hpp>
#include <verge/stages/serve/vision/picture_queue.hpp>
#include <verge/stages/serve/vision/recipe.hpp>

namespace verge::serve {

struct TextLine {
  Quad quad = {};         // in pixels of the picture
  std::string text = {};  // empty without a recogniser
  double confidence = 0;  // of the text, or without a recogniser of the region
};

struct PictureAnswer {
  std::string path = {};
  std::optional<Error> error = {};  // of a picture that could not be read; nothing else is set then
  int64_t height = 0, width = 0;
  std::vector<ClassScore> classes = {};
  std::vector<Detection> objects = {};
  std::vector<TextLine> lines = {};
};

struct PictureOptions {
  VisionSettings settings = {};
  LineReaderFiles reader = {};  // of text; without a recogniser only where it is
  int64_t top = 5;
  int64_t batch = 1;
  int readers = 1;  // threads that read pictures, beside those of the pool
  format::ImageLimits limits = {};
};

struct PictureCounts {
  int64_t answered = 0, failed = 0;
};

class PictureRunner {
 public:
  /// Reads settings beside the model, NET.toml, as well. Fails as open_vision_network, recipe_for
  /// and read_settings do, and with InvalidArgument for batches above 4096.
  static Result<PictureRunner> open(const std::string& path, const PictureOptions& options,
                                    ThreadPool& pool, const runtime::PlanOptions& plan = {});

  const VisionRecipe& recipe() const { return recipe_; }
  /// Pictures of one run: what was asked for, or what the network fixes.
  int64_t batch() const { return batch_; }

  /// The picture is black and empty beside an error. A failure of `take` ends the run, as does
  /// `cancel`, with Cancelled.
  using Take = std::function<Status(const PictureAnswer&, const Image&)>;
  Result<PictureCounts> run(const std::vector<std::string>& files, const Take& take,
                            const std::atomic<bool>* cancel = nullptr);
  std::vector<std::string> reference_nodes() const;
  /// As VisionNetwork's, of all its networks.
  std::vector<graph::PartitionReport> partitions() const;

 private:
  PictureRunner() = default;
  Result<PreparedPicture> prepare_file(const std::string& path) const;
  Status answer(std::vector<PreparedPicture> pictures, const Take& take, PictureCounts& counts);
  Result<PictureAnswer> answer_of(const PreparedPicture& picture,
                                  const std::vector<Tensor>& outputs, int64_t index);
  Result<std::vector<Detection>> objects_in(const Tensor& output, int64_t index,
                                            const PreparedPicture& picture) const;
  Result<std::vector<TextLine>> lines_in(const Tensor& output, int64_t index,
                                         const PreparedPicture& picture);

  PictureOptions options_;
  VisionRecipe recipe_;
  int64_t batch_ = 1;
  std::unique_ptr<VisionNetwork> network_;
  std::optional<LineReader> reader_;
};

}  // namespace verge::serve
