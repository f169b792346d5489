#include <filesystem>
#include <numeric>

#include <verge/cli/sample_sets.hpp>
#include <verge/core/rng.hpp>
#include <verge/engine/format/npy/npy.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/model/image_data.hpp>
#include <verge/engine/onnx/import.hpp>
#include <verge/stages/serve/vision/picture_list.hpp>

namespace verge::cli {
namespace {

namespace fs = std::filesystem;
using format::onnx::ElementType;
using format::onnx::ValueInfo;

struct LabelledFile {
  std::string path;
  int64_t label = -1;
};

/// The network's input as pictures fill it.
class PictureInput {
 public:
  static Result<PictureInput> of(const std::string& network, const PictureRunOptions& options,
                                 ThreadPool& pool) {
    PictureInput input;
    VERGE_TRY(const serve::PictureOptions read, options.read());
    VERGE_TRY(const serve::PictureRunner runner, serve::PictureRunner::open(network, read, pool));
    input.recipe_ = runner.recipe();
    input.batch_ = std::max<int64_t>(runner.recipe().input.batch, 1);
    VERGE_TRY(const auto file, format::onnx::Onnx::open(network));
    input.port_ = onnx::inputs_of(file).front();
    for (const auto& [key, value] : file.model().metadata) {
      input.takes_pixels_ = input.takes_pixels_ || key == "verge.architecture";
    }
    return input;
  }

  Result<fit::NetworkSample> sample(const format::Image& image, int64_t label) const {
    const serve::PictureShape shape = recipe_.shape_for(image.height, image.width);
    serve::Preprocessing how = recipe_.how;
    if (takes_pixels_) how.scale = 1;
    VERGE_RETURN_IF_ERROR(serve::check_proportions(image, how, shape));
    std::vector<float> values(static_cast<size_t>(shape.count()));
    serve::prepare(image, how, shape, values.data());
    const Shape batch = shape.is_channels_last
                            ? Shape{batch_, shape.height, shape.width, shape.channels}
                            : Shape{batch_, shape.channels, shape.height, shape.width};
    const bool is_bytes = port_.type == ElementType::Uint8;
    Tensor tensor(is_bytes ? DType::U8 : DType::F32, batch);
    std::vector<double> all;
    for (int64_t i = 0; i < batch_; ++i) all.insert(all.end(), values.begin(), values.end());
    if (is_bytes) {
      for (double& value : all) value = std::clamp(std::round(value), 0.0, 255.0);
    }
    graph::store(tensor.view(), all);
    fit::NetworkSample made{.inputs = {}, .label = label};
    made.inputs.emplace_back(port_.name, std::move(tensor));
    return made;
  }

 private:
  serve::VisionRecipe recipe_;
  ValueInfo port_;
  int64_t batch_ = 1;
  bool takes_pixels_ = false;  // 0 to 255: `verge train image`
};

std::vector<size_t> drawn(size_t all, int64_t count, uint64_t seed) {
  std::vector<size_t> order(all);
  std::iota(order.begin(), order.end(), size_t{0});
  if (count < 1 || static_cast<size_t>(count) >= all) return order;
  Rng rng(seed);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    std::swap(order[i], order[i + rng.below(static_cast<uint32_t>(all - i))]);
  }
  order.resize(static_cast<size_t>(count));
  std::ranges::sort(order);
  return order;
}

template <typename T>
std::vector<T> chosen(std::vector<T> all, int64_t count, uint64_t seed) {
  std::vector<T> kept;
  for (const size_t i : drawn(all.size(), count, seed)) kept.push_back(std::move(all[i]));
  return kept;
}

/// Folders in a folder are classes, in the order of their names.
Result<std::vector<LabelledFile>> picture_files(const std::vector<std::string>& places) {
  std::vector<LabelledFile> files;
  for (const std::string& place : places) {
    std::vector<std::string> classes;
    std::error_code error;
    if (fs::is_directory(place, error)) {
      for (const auto& entry : fs::directory_iterator(place, error)) {
        if (entry.is_directory()) classes.push_back(entry.path().string());
      }
    }
    std::ranges::sort(classes);
    for (size_t i = 0; i < classes.size(); ++i) {
      VERGE_TRY(const serve::PictureList list, serve::list_pictures({classes[i]}));
      for (const std::string& file : list.files) files.push_back({file, static_cast<int64_t>(i)});
    }
    if (!classes.empty()) continue;
    VERGE_TRY(const serve::PictureList list, serve::list_pictures({place}));
    for (const std::string& file : list.files) files.push_back({file, -1});
  }
  return files;
}

bool has_images(const std::string& place) {
  if (place.ends_with(".csv")) return true;
  for (const char* name :
       {"train-images-idx3-ubyte", "data/train-images-idx3-ubyte", "train-images-idx3-ubyte.gz",
        "data/train-images-idx3-ubyte.gz", "src/clothes/0.json", "0.json"}) {
    std::error_code error;
    if (fs::exists(fs::path(place) / name, error)) return true;
  }
  return false;
}

format::Image grey_picture(const model::ImageSet& set, int64_t index) {
  format::Image image(set.height, set.width);
  const auto pixels = set.image(index);
  for (size_t i = 0; i < pixels.size(); ++i)
    std::fill_n(image.pixels.begin() + static_cast<int64_t>(3 * i), 3, pixels[i]);
  return image;
}

Result<fit::SampleSet> image_samples(const std::string& place, int64_t count, uint64_t seed,
                                     bool held_out, PictureInput input) {
  VERGE_TRY(model::ImageData data, model::read_image_data(place));
  auto set =
      std::make_shared<model::ImageSet>(held_out ? std::move(data.test) : std::move(data.training));
  const auto order = drawn(static_cast<size_t>(set->count()), count, seed);
  return fit::SampleSet{std::ssize(order), [=](int64_t i) -> Result<fit::NetworkSample> {
                          const auto at = static_cast<int64_t>(order[static_cast<size_t>(i)]);
                          return input.sample(grey_picture(*set, at),
                                              set->labels[static_cast<size_t>(at)]);
                        }};
}

/// Each array is what the network's only input takes, or NAME=FILE.
Result<fit::SampleSet> array_samples(std::vector<std::string> files, const std::string& network) {
  VERGE_TRY(const auto file, format::onnx::Onnx::open(network));
  const std::vector<ValueInfo> inputs = onnx::inputs_of(file);
  if (inputs.size() != 1) {
    return make_error(Code::Unsupported, "{}: {} inputs; arrays are samples of networks with one",
                      network, inputs.size());
  }
  const std::string name = inputs[0].name;
  return fit::SampleSet{std::ssize(files), [=](int64_t i) -> Result<fit::NetworkSample> {
                          VERGE_TRY(format::NpyArray array,
                                    format::read_npy(files[static_cast<size_t>(i)]));
                          fit::NetworkSample sample;
                          sample.inputs.emplace_back(name, std::move(array.tensor));
                          return sample;
                        }};
}

}  // namespace

Result<fit::SampleSet> read_samples(const std::vector<std::string>& places, int64_t count,
                                    uint64_t seed, bool held_out, const std::string& network,
                                    const PictureRunOptions& pictures, ThreadPool& pool) {
  const auto is_array = [](const std::string& place) { return place.ends_with(".npy"); };
  if (std::ranges::all_of(places, is_array)) {
    return array_samples(chosen(places, count, seed), network);
  }
  VERGE_TRY(PictureInput input, PictureInput::of(network, pictures, pool));
  if (places.size() == 1 && has_images(places[0])) {
    return image_samples(places[0], count, seed, held_out, std::move(input));
  }
  VERGE_TRY(auto files, picture_files(places));
  files = chosen(std::move(files), count, seed);
  return fit::SampleSet{std::ssize(files), [=](int64_t i) -> Result<fit::NetworkSample> {
                          const LabelledFile& file = files[static_cast<size_t>(i)];
                          VERGE_TRY(const format::Image image, format::read_image(file.path));
                          auto sample = input.sample(image, file.label);
                          if (sample) return sample;
                          return make_error(sample.error().code, "{}: {}", file.path,
                                            sample.error().message);
                        }};
}

}  // namespace verge::cli
