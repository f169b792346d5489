#pragma once
// Python's str on UTF-8: lengths, places and white space are those of code points. A byte that is
// no part of valid UTF-8 counts as one character. Case changes touch ASCII, Latin-1, Greek and
// Cyrillic.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace verge::text::jinja {

std::vector<std::string_view> characters(std::string_view text);
size_t length(std::string_view text);
/// str.isspace of one character, as `characters` yields it.
bool is_space(std::string_view character);

enum class Side { Left, Right, Both };
/// str.strip, lstrip and rstrip; without `set`, white space.
std::string_view strip(std::string_view text, Side side = Side::Both);
std::string_view strip(std::string_view text, std::string_view set, Side side);

/// str.split and rsplit at a separator that is not empty; at most `limit` cuts unless negative.
std::vector<std::string_view> split(std::string_view text, std::string_view separator,
                                    int64_t limit = -1);
std::vector<std::string_view> rsplit(std::string_view text, std::string_view separator,
                                     int64_t limit);
/// str.split at runs of white space.
std::vector<std::string_view> split_words(std::string_view text, int64_t limit = -1);
std::vector<std::string_view> split_lines(std::string_view text);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
/// First character upper, the rest lower.
std::string capitalize(std::string_view text);
/// str.title: upper after anything that is not a letter, lower elsewhere.
std::string title(std::string_view text);

/// At most `limit` replacements from the left unless negative.
std::string replace(std::string_view text, std::string_view old_text, std::string_view new_text,
                    int64_t limit = -1);
/// How long replace's result is.
size_t replaced_size(std::string_view text, std::string_view old_text, std::string_view new_text);
/// Occurrences without overlap; of an empty text, one before each character and one at the end.
size_t count(std::string_view text, std::string_view wanted);

}  // namespace verge::text::jinja
