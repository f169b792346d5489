#include <verge/engine/text/pretokenizer.hpp>

#define PCRE2_CODE_UNIT_WIDTH 32
#include <algorithm>
#include <iterator>

#include <pcre2.h>

#include <verge/engine/text/utf8.hpp>

namespace verge::text {
namespace {

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

// One character of each category, in no range that an expression names.
constexpr char32_t kLetter = 0xA000;
constexpr char32_t kNumber = 0x10107;
constexpr char32_t kPunctuation = 0x1E95E;
constexpr char32_t kSymbol = 0x1F680;
constexpr char32_t kMark = 0x1D165;
// The same within DeepSeek's U+0800 to U+4E00.
constexpr char32_t kLowMark = 0xE31;
constexpr char32_t kLowSymbol = 0x2FF0;

struct NewerRange {
  char32_t first;
  char32_t last;
  char32_t stand_in;
};

// Characters that came with Unicode 15.0 and 15.1 (DerivedAge.txt), as PCRE2 10.42 knows 14.0.
constexpr NewerRange kNewer[] = {{0xCF3, 0xCF3, kLowMark},     {0xECE, 0xECE, kLowMark},
                                 {0x2FFC, 0x2FFF, kLowSymbol}, {0x31EF, 0x31EF, kLowSymbol},
                                 {0x10EFD, 0x10EFF, kMark},    {0x1123F, 0x11240, kLetter},
                                 {0x11241, 0x11241, kMark},    {0x11B00, 0x11B09, kPunctuation},
                                 {0x11F00, 0x11F01, kMark},    {0x11F02, 0x11F02, kLetter},
                                 {0x11F03, 0x11F03, kMark},    {0x11F04, 0x11F10, kLetter},
                                 {0x11F12, 0x11F33, kLetter},  {0x11F34, 0x11F3A, kMark},
                                 {0x11F3E, 0x11F42, kMark},    {0x11F43, 0x11F4F, kPunctuation},
                                 {0x11F50, 0x11F59, kNumber},  {0x1342F, 0x1342F, kLetter},
                                 {0x13440, 0x13440, kMark},    {0x13441, 0x13446, kLetter},
                                 {0x13447, 0x13455, kMark},    {0x1B132, 0x1B132, kLetter},
                                 {0x1B155, 0x1B155, kLetter},  {0x1D2C0, 0x1D2D3, kNumber},
                                 {0x1DF25, 0x1DF2A, kLetter},  {0x1E030, 0x1E06D, kLetter},
                                 {0x1E08F, 0x1E08F, kMark},    {0x1E4D0, 0x1E4EB, kLetter},
                                 {0x1E4EC, 0x1E4EF, kMark},    {0x1E4F0, 0x1E4F9, kNumber},
                                 {0x1F6DC, 0x1F6DC, kSymbol},  {0x1F774, 0x1F776, kSymbol},
                                 {0x1F77B, 0x1F77F, kSymbol},  {0x1F7D9, 0x1F7D9, kSymbol},
                                 {0x1FA75, 0x1FA77, kSymbol},  {0x1FA87, 0x1FA88, kSymbol},
                                 {0x1FAAD, 0x1FAAF, kSymbol},  {0x1FABB, 0x1FABD, kSymbol},
                                 {0x1FABF, 0x1FABF, kSymbol},  {0x1FACE, 0x1FACF, kSymbol},
                                 {0x1FADA, 0x1FADB, kSymbol},  {0x1FAE8, 0x1FAE8, kSymbol},
                                 {0x1FAF7, 0x1FAF8, kSymbol},  {0x2B739, 0x2B739, kLetter},
                                 {0x2EBF0, 0x2EE5D, kLetter},  {0x31350, 0x323AF, kLetter}};

/// What stands for a character while matching. White space beyond ASCII (Unicode's White_Space) is
/// a vertical tab: so the peer's expressions see it, also inside ranges such as U+3000 to U+3002.
/// U+180E, which PCRE2 counts as white space and Unicode since 6.3 does not, is another Cf.
char32_t for_matching(char32_t c) {
  if (c < 0x85) return c;
  if (c == 0x180E) return 0x2060;
  const bool space = c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
                     c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
  if (space) return U'\v';
  if (c < std::begin(kNewer)->first) return c;
  const auto* range = std::upper_bound(std::begin(kNewer), std::end(kNewer), c,
                                       [](char32_t value, auto& r) { return value < r.first; });
  return c <= range[-1].last ? range[-1].stand_in : c;
}

}  // namespace

/// One regular expression over code points. PCRE2's UTF mode is off, as it refuses surrogates;
/// Unicode properties work without it.
class PreTokenizer::Pattern {
 public:
  explicit Pattern(std::string_view pattern) {
    const std::vector<char32_t> source = code_points(pattern);
    int error = 0;
    PCRE2_SIZE where = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(),
                              PCRE2_UCP | PCRE2_DOLLAR_ENDONLY, &error, &where, nullptr));
    VERGE_CHECK(code_ != nullptr, pattern, error, where);
    pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);  // without it, matching is only slower
    context_.reset(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(context_.get(), UINT32_MAX);  // patterns are ours; text may be long
  }

  /// Appends to `ends` where the matches in text[first, last), and the gaps between them, end.
  void split(std::span<const char32_t> text, uint32_t first, uint32_t last,
             std::vector<uint32_t>& ends) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data() + first);
    const uint32_t length = last - first;
    const std::unique_ptr<pcre2_match_data, FreeMatch> match(pcre2_match_data_create(1, nullptr));
    uint32_t done = 0;
    while (done < length && pcre2_match(code_.get(), subject, length, done, PCRE2_NOTEMPTY,
                                        match.get(), context_.get()) >= 0) {
      const PCRE2_SIZE* found = pcre2_get_ovector_pointer(match.get());
      if (found[0] > done) ends.push_back(first + static_cast<uint32_t>(found[0]));
      done = static_cast<uint32_t>(found[1]);
      ends.push_back(first + done);
    }
    if (done < length) ends.push_back(last);
  }

 private:
  std::unique_ptr<pcre2_code, FreeCode> code_;
  std::unique_ptr<pcre2_match_context, FreeContext> context_;
};

PreTokenizer::PreTokenizer(const PreTokenizerSpec& spec) {
  for (const std::string_view pattern : spec.patterns) patterns_.emplace_back(pattern);
}
PreTokenizer::~PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;

std::vector<uint32_t> PreTokenizer::split(std::span<const char32_t> text) const {
  if (text.empty()) return {};
  std::vector<char32_t> subject(text.begin(), text.end());
  for (char32_t& code_point : subject) code_point = for_matching(code_point);
  std::vector<uint32_t> ends = {static_cast<uint32_t>(text.size())};
  std::vector<uint32_t> finer;
  for (const Pattern& pattern : patterns_) {
    finer.clear();
    uint32_t first = 0;
    for (const uint32_t last : ends) {
      pattern.split(subject, first, last, finer);
      first = last;
    }
    ends.swap(finer);
  }
  return ends;
}

}  // namespace verge::text
