#include <verge/stages/serve/vision/classify.hpp>
#include <verge/stages/serve/vision/ctc.hpp>

namespace verge::serve {

ReadText greedy_ctc(std::span<const float> scores, int64_t classes,
                    std::span<const std::string> characters) {
  ReadText read;
  int64_t kept = 0, before = 0;
  for (size_t begin = 0; begin + static_cast<size_t>(classes) <= scores.size();
       begin += static_cast<size_t>(classes)) {
    const auto step = scores.subspan(begin, static_cast<size_t>(classes));
    const int64_t best = std::ranges::max_element(step) - step.begin();
    if (best != 0 && best != before) {
      read.text += characters[static_cast<size_t>(best - 1)];
      read.confidence += likeliest(step, 1).front().probability;
      ++kept;
    }
    before = best;
  }
  if (kept > 0) read.confidence /= static_cast<double>(kept);
  return read;
}

Result<std::vector<std::string>> read_characters(const std::string& path, int64_t classes) {
  VERGE_TRY(std::vector<std::string> characters, read_lines(path));
  if (std::ssize(characters) == classes - 2) characters.emplace_back(" ");
  if (std::ssize(characters) == classes - 1) return characters;
  return make_error(Code::InvalidArgument,
                    "{}: {} characters, but the recogniser has {} classes, one of them the blank; "
                    "give the list it was trained with",
                    path, characters.size(), classes);
}

}  // namespace verge::serve
