#include <cmath>
#include <ostream>

#include <verge/cli/picture_report.hpp>

namespace verge::cli {
namespace {

using serve::label_of;

double tenth(double value) {
  return std::round(value * 10) / 10;
}

Json quad_json(const serve::Quad& quad) {
  Json corners = Json::array();
  for (const serve::Point& corner : quad) corners.push_back({tenth(corner.x), tenth(corner.y)});
  return corners;
}

}  // namespace

Json picture_json(const serve::PictureAnswer& answer, const serve::VisionRecipe& recipe,
                  const std::string& drawn) {
  if (answer.error) {
    return {{"file", answer.path},
            {"code", name(answer.error->code)},
            {"error", answer.error->message}};
  }
  Json json = {{"file", answer.path}, {"height", answer.height}, {"width", answer.width}};
  const std::string key = recipe.task == serve::Task::Classify ? "classes"
                          : recipe.task == serve::Task::Detect ? "objects"
                                                               : "lines";
  json[key] = Json::array();
  for (const serve::ClassScore& entry : answer.classes) {
    json["classes"].push_back({{"label", label_of(recipe.labels, entry.index)},
                               {"index", entry.index},
                               {"probability", entry.probability}});
  }
  for (const serve::Detection& box : answer.objects) {
    json["objects"].push_back(
        {{"label", label_of(recipe.labels, box.index)},
         {"index", box.index},
         {"confidence", box.confidence},
         {"box", {tenth(box.left), tenth(box.top), tenth(box.right), tenth(box.bottom)}}});
  }
  for (const serve::TextLine& line : answer.lines) {
    json["lines"].push_back(
        {{"text", line.text}, {"confidence", line.confidence}, {"quad", quad_json(line.quad)}});
  }
  if (!drawn.empty()) json["drawn"] = drawn;
  return json;
}

void print_picture(const serve::PictureAnswer& answer, const serve::VisionRecipe& recipe,
                   const std::string& drawn, std::ostream& out) {
  out << answer.path << (drawn.empty() ? "" : " -> " + drawn) << "\n";
  for (const serve::ClassScore& entry : answer.classes) {
    out << fmt::format("  {:6.2f} %  {}\n", 100 * entry.probability,
                       label_of(recipe.labels, entry.index));
  }
  for (const serve::Detection& box : answer.objects) {
    out << fmt::format("  {:6.2f} %  {:<20} {:.0f},{:.0f} to {:.0f},{:.0f}\n", 100 * box.confidence,
                       label_of(recipe.labels, box.index), box.left, box.top, box.right,
                       box.bottom);
  }
  for (size_t i = 0; i < answer.lines.size(); ++i) {
    const serve::TextLine& line = answer.lines[i];
    out << fmt::format("  {:>3}  {:6.2f} %  {:.0f},{:.0f} {:.0f}x{:.0f}  {}\n", i + 1,
                       100 * line.confidence, line.quad[0].x, line.quad[0].y,
                       serve::width_of(line.quad), serve::height_of(line.quad), line.text);
  }
  if (answer.classes.empty() && answer.objects.empty() && answer.lines.empty()) {
    out << "  nothing found\n";
  }
}

}  // namespace verge::cli
