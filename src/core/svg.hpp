#pragma once
// Svg: a picture as text that every browser shows, without fonts or scripts of its own. What
// line plots, drawings of graphs and memory maps are made of. A plain value.
//
//   Svg svg(720, 420);
//   svg.rect({10, 10, 100, 40}, "fill=\"#eff6ff\"", "shown when the mouse rests on it");
//   svg.text(60, 34, "linear", Anchor::Middle);
//   write(path, svg.finish());

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace verge {

enum class Anchor { Start, Middle, End };

class Svg {
 public:
  struct Box {
    double x, y, width, height;
  };
  using Points = std::vector<std::pair<double, double>>;

  /// A white page, in points; it scales to the window it is shown in.
  Svg(double width, double height);

  /// `style`: SVG attributes, as in `fill="#666" font-weight="bold"`; the same below.
  void text(double x, double y, std::string_view words, Anchor anchor = Anchor::Start,
            std::string_view style = "");
  void line(double x1, double y1, double x2, double y2, std::string_view style);
  /// `tip` is what a browser shows under the mouse; empty: nothing.
  void rect(const Box& box, std::string_view style, std::string_view tip = "");
  void polyline(const Points& points, std::string_view style);
  /// A path in SVG's own language: "M 0 0 L 10 10".
  void path(std::string_view data, std::string_view style);
  /// An arrow head for path(): `marker-end="url(#arrow)"`.
  void define_arrow();

  std::string finish() const { return text_ + "</svg>\n"; }

 private:
  std::string text_;
};

/// Text as it stands between the tags of SVG and HTML: & < > as entities.
std::string escaped(std::string_view text);

/// The round numbers between low and high, about five: 1, 2 or 5 times a power of ten apart.
std::vector<double> ticks(double low, double high);

}  // namespace verge
