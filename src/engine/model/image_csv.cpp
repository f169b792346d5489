#include <algorithm>
#include <charconv>
#include <cmath>

#include <verge/engine/model/image_csv.hpp>

namespace verge::model {
namespace {

constexpr int32_t kLargestPixel = 65535, kLargestClass = 999;
constexpr size_t kMostColumns = (size_t{1} << 20) + 1;

struct Table {
  size_t columns = 0;
  std::vector<int32_t> values;
  size_t rows() const { return columns == 0 ? 0 : values.size() / columns; }
};

// The fields of a line; false where one is no whole number from 0.
bool read_line(std::string_view line, std::vector<int32_t>& values) {
  while (true) {
    const size_t end = std::min(line.find(','), line.size());
    const std::string_view field = line.substr(0, end);
    int32_t value = 0;
    const auto [at, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc() || at != field.data() + field.size() || value < 0) return false;
    if (value > kLargestPixel || values.size() > kMostColumns) return false;
    values.push_back(value);
    if (end == line.size()) return true;
    line.remove_prefix(end + 1);
  }
}

Result<Table> read_table(std::string_view text, std::string_view name) {
  Table table;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    std::vector<int32_t> values;
    if (!read_line(line, values)) {
      if (number == 1) continue;  // the heading
      return make_error(Code::Malformed,
                        "{}: line {} holds something else than whole numbers from 0 to {}", name,
                        number, kLargestPixel);
    }
    if (table.columns == 0) table.columns = values.size();
    if (values.size() != table.columns) {
      return make_error(Code::Malformed, "{}: line {} has {} numbers, those before have {}", name,
                        number, values.size(), table.columns);
    }
    table.values.insert(table.values.end(), values.begin(), values.end());
  }
  return table;
}

}  // namespace

Result<ImageData> parse_image_csv(std::string_view text, std::string_view name, double held_out) {
  VERGE_TRY(const Table table, read_table(text, name));
  const auto pixels = static_cast<int64_t>(std::max<size_t>(table.columns, 1) - 1);
  const auto side = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(pixels))));
  if (table.rows() < 2 || pixels < 1 || side * side != pixels) {
    return make_error(Code::Malformed,
                      "{}: {} lines of {} pixels; give at least two, each a square image and its "
                      "class",
                      name, table.rows(), pixels);
  }
  int32_t largest = 1, classes = 1;
  for (size_t i = 0; i < table.values.size(); ++i) {
    const bool is_class = i % table.columns == table.columns - 1;
    (is_class ? classes : largest) =
        std::max(is_class ? classes : largest, table.values[i] + (is_class ? 1 : 0));
  }
  if (classes > kLargestClass + 1) {
    return make_error(Code::Malformed, "{}: class {}; classes are from 0 to {}", name, classes - 1,
                      kLargestClass);
  }
  const auto rows = static_cast<double>(table.rows());
  const auto training = static_cast<size_t>(std::clamp(rows * (1 - held_out), 1.0, rows - 1));
  ImageData data;
  data.classes = classes;
  for (size_t row = 0; row < table.rows(); ++row) {
    ImageSet& set = row < training ? data.training : data.test;
    set.height = set.width = side;
    const int32_t* line = table.values.data() + row * table.columns;
    for (int64_t i = 0; i < pixels; ++i) {
      set.pixels.push_back(static_cast<uint8_t>((line[i] * 255 + largest / 2) / largest));
    }
    set.labels.push_back(line[pixels]);
  }
  return data;
}

ImageSet resized(const ImageSet& images, int64_t height, int64_t width) {
  if (images.height == height && images.width == width) return images;
  ImageSet result{height, width, {}, images.labels};
  result.pixels.reserve(static_cast<size_t>(images.count() * height * width));
  // Where the centre of pixel i lies among those of `from`, within them.
  const auto place = [](int64_t i, int64_t from, int64_t to) {
    const double at =
        (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
    return std::clamp(at, 0.0, static_cast<double>(from - 1));
  };
  for (int64_t n = 0; n < images.count(); ++n) {
    const auto image = images.image(n);
    for (int64_t i = 0; i < height * width; ++i) {
      const double y = place(i / width, images.height, height);
      const double x = place(i % width, images.width, width);
      const auto top = static_cast<int64_t>(y), left = static_cast<int64_t>(x);
      const double down = y - static_cast<double>(top), right = x - static_cast<double>(left);
      const auto at = [&](int64_t row, int64_t column) {
        row = std::min(row, images.height - 1);
        column = std::min(column, images.width - 1);
        return static_cast<double>(image[static_cast<size_t>(row * images.width + column)]);
      };
      const double upper = (1 - right) * at(top, left) + right * at(top, left + 1);
      const double lower = (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1);
      result.pixels.push_back(static_cast<uint8_t>(std::lround((1 - down) * upper + down * lower)));
    }
  }
  return result;
}

}  // namespace verge::model
