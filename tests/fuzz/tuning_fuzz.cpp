// Any text as a scheme, whose printed form reads as the same scheme, and as images in CSV, which
// have as many pixels as they say.

#include <cstdint>
#include <cstdlib>

#include <verge/engine/model/image_csv.hpp>
#include <verge/stages/fit/tune/scheme_file.hpp>
#include <verge/stages/fit/tune/training_plan.hpp>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace verge;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto scheme = fit::parse_scheme(text, "fuzzed")) {
    const auto again = fit::parse_scheme(fit::print_scheme(*scheme), "printed");
    if (!again || again->model != scheme->model || !(again->scheme == scheme->scheme)) std::abort();
  }
  if (const auto settings = fit::parse_settings(text)) {
    if (!fit::parse_settings(fit::print_settings(*settings))) std::abort();
  }
  if (const auto images = model::parse_image_csv(text, "fuzzed", 0.2)) {
    for (const model::ImageSet* set : {&images->training, &images->test}) {
      const int64_t pixels = set->count() * set->height * set->width;
      if (pixels != static_cast<int64_t>(set->pixels.size())) std::abort();
    }
  }
  return 0;
}
