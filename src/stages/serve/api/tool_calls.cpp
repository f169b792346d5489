#include <algorithm>

#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/answer_facts.hpp>
#include <verge/stages/serve/api/json_body.hpp>
#include <verge/stages/serve/api/tool_calls.hpp>

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kOpen = "<tool_call>";
constexpr std::string_view kClose = "</tool_call>";
constexpr std::string_view kSpace = " \t\r\n";

// Bytes at the end of `text` that begin `word`.
size_t begun(std::string_view text, std::string_view word) {
  size_t count = std::min(text.size(), word.size() - 1);
  while (count > 0 && !text.ends_with(word.substr(0, count))) --count;
  return count;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

ToolCallReader::ToolCallReader(std::vector<std::string> tools, bool forced)
    : tools_(std::move(tools)), state_(forced ? State::Whole : State::Start) {}

ToolCallReader::Found ToolCallReader::push(std::string_view piece) {
  held_ += piece;
  Found found;
  scan(found);
  return found;
}

ToolCallReader::Found ToolCallReader::finish() {
  Found found;
  scan(found);
  if (state_ == State::Text || held_.empty()) {
    found.text += held_;
  } else {
    std::string_view json = held_;
    if (state_ == State::Tagged) json.remove_prefix(kOpen.size());
    if (!add_call(json, found)) found.text += held_;
  }
  held_.clear();
  return found;
}

void ToolCallReader::scan(Found& found) {
  if (state_ == State::Start) scan_start();
  for (bool more = true; more;) {
    more = state_ == State::Text     ? scan_text(found)
           : state_ == State::Tagged ? scan_tagged(found)
                                     : false;
  }
}

// An answer that begins with a brace may be a call as a whole.
void ToolCallReader::scan_start() {
  const size_t begin = held_.find_first_not_of(kSpace);
  if (begin == std::string::npos) return;
  state_ = held_[begin] == '{' ? State::Whole : State::Text;
}

// Hands text over up to the next call; true when one begins.
bool ToolCallReader::scan_text(Found& found) {
  if (after_call_) {  // white space between calls is nothing to read
    held_.erase(0, std::min(held_.find_first_not_of(kSpace), held_.size()));
    after_call_ = held_.empty();
  }
  const size_t open = held_.find(kOpen);
  const size_t ready = open == std::string::npos ? held_.size() - begun(held_, kOpen) : open;
  found.text += held_.substr(0, ready);
  held_.erase(0, ready);
  if (open == std::string::npos) return false;
  state_ = State::Tagged;
  return true;
}

// Takes a call that is complete; true when text goes on behind it.
bool ToolCallReader::scan_tagged(Found& found) {
  const size_t close = held_.find(kClose, kOpen.size());
  if (close == std::string::npos) return false;
  const std::string_view inside(held_.data() + kOpen.size(), close - kOpen.size());
  const size_t end = close + kClose.size();
  after_call_ = add_call(inside, found);
  if (!after_call_) found.text += held_.substr(0, end);
  held_.erase(0, end);
  state_ = State::Text;
  return true;
}

bool ToolCallReader::add_call(std::string_view text, Found& found) const {
  const Json json = parse_inner(trimmed(text));
  if (!json.is_object() || !json.contains("name") || !json["name"].is_string()) return false;
  const std::string name = json["name"];
  if (std::ranges::find(tools_, name) == tools_.end()) return false;
  for (const char* field : {"arguments", "parameters"}) {
    const auto arguments = json.find(field);
    if (arguments == json.end()) continue;
    const bool is_text = arguments->is_string();
    found.calls.push_back({name, is_text ? arguments->get<std::string>() : line_of(*arguments)});
    return true;
  }
  return false;
}

}  // namespace verge::serve::api
