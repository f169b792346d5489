#pragma once
// What is printed of a picture: text, or one JSON object.

#include <iosfwd>
#include <string>

#include <verge/cli/json.hpp>
#include <verge/stages/serve/vision/picture_runner.hpp>

namespace verge::cli {

/// `drawn` is the file with the answer drawn on it; empty for none.
Json picture_json(const serve::PictureAnswer& answer, const serve::VisionRecipe& recipe,
                  const std::string& drawn);
void print_picture(const serve::PictureAnswer& answer, const serve::VisionRecipe& recipe,
                   const std::string& drawn, std::ostream& out);

}  // namespace verge::cli
