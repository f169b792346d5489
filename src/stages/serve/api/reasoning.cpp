#include <algorithm>
#include <utility>

#include <verge/stages/serve/api/reasoning.hpp>

namespace verge::serve::api {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

size_t spaces_before(std::string_view text) {
  return std::min(text.find_first_not_of(kSpace), text.size());
}

// Bytes at the end of `text` that may be white space before `tag` and the beginning of it.
size_t unsure(std::string_view text, std::string_view tag) {
  size_t count = std::min(text.size(), tag.size() - 1);
  while (count > 0 && !text.ends_with(tag.substr(0, count))) --count;
  text.remove_suffix(count);
  const size_t last = text.find_last_not_of(kSpace);
  return count + text.size() - (last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

std::optional<ReasoningTags> reasoning_tags_of(std::string_view chat_template) {
  for (const ReasoningTags& tags :
       {ReasoningTags{"<think>", "</think>"}, ReasoningTags{"[THINK]", "[/THINK]"}}) {
    if (chat_template.find(tags.open) != std::string_view::npos ||
        chat_template.find(tags.close) != std::string_view::npos) {
      return tags;
    }
  }
  return std::nullopt;
}

ReasoningReader::Found ReasoningReader::push(std::string_view piece) {
  held_ += piece;
  Found found;
  while (scan(found)) {
  }
  return found;
}

ReasoningReader::Found ReasoningReader::finish() {
  Found found = push({});
  if (state_ == State::Inside) {
    const size_t last = held_.find_last_not_of(kSpace);
    found.reasoning += held_.substr(0, last == std::string::npos ? 0 : last + 1);
  } else if (state_ == State::Start) {
    found.text += held_;
  }
  held_.clear();
  return found;
}

// True when there is more to scan.
bool ReasoningReader::scan(Found& found) {
  switch (state_) {
    case State::Start:
      return scan_start();
    case State::Inside:
      return scan_inside(found);
    case State::Behind:
      held_.erase(0, spaces_before(held_));
      if (held_.empty()) return false;
      state_ = State::Text;
      return true;
    case State::Text:
      found.text += std::exchange(held_, {});
  }
  return false;
}

bool ReasoningReader::scan_start() {
  const std::string_view rest = std::string_view(held_).substr(spaces_before(held_));
  if (rest.size() < tags_.open.size() && tags_.open.starts_with(rest)) return false;
  if (!rest.starts_with(tags_.open)) {
    state_ = State::Text;
    return true;
  }
  held_ = std::string(rest.substr(tags_.open.size()));
  state_ = State::Inside;
  return true;
}

bool ReasoningReader::scan_inside(Found& found) {
  if (!has_reasoned_) held_.erase(0, spaces_before(held_));
  const size_t close = held_.find(tags_.close);
  const size_t ready = close == std::string::npos
                           ? held_.size() - unsure(held_, tags_.close)
                           : close - unsure(std::string_view(held_).substr(0, close), tags_.close);
  found.reasoning += held_.substr(0, ready);
  has_reasoned_ = has_reasoned_ || ready > 0;
  held_.erase(0, close == std::string::npos ? ready : close + tags_.close.size());
  if (close == std::string::npos) return false;
  state_ = State::Behind;
  return true;
}

}  // namespace verge::serve::api
