#include <algorithm>

#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/answer_facts.hpp>
#include <verge/stages/serve/api/json_body.hpp>
#include <verge/stages/serve/api/tool_calls.hpp>

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kBlanks = " \t\r\n";
constexpr size_t kLongestHead = 256;  // of a Mistral call before its arguments

// Bytes at the end of `text` that begin `word`.
size_t begun(std::string_view text, std::string_view word) {
  size_t count = std::min(text.size(), word.size() - 1);
  while (count > 0 && !text.ends_with(word.substr(0, count))) --count;
  return count;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

ToolCallReader::ToolCallReader(std::vector<std::string> tools, ToolCallOptions options)
    : tools_(std::move(tools)),
      options_(options),
      open_(opening_of(options.syntax)),
      state_(options.forced ? State::Whole : State::Start) {}

ToolCallReader::Found ToolCallReader::push(std::string_view piece) {
  held_ += piece;
  Found found;
  scan(found);
  return found;
}

ToolCallReader::Found ToolCallReader::finish() {
  Found found;
  scan(found);
  const bool may_be_call = state_ == State::Whole || state_ == State::Tagged;
  std::string_view json = held_;
  if (state_ == State::Tagged) json.remove_prefix(open_.size());
  if (!may_be_call || held_.empty() || !add_call(json, found)) found.text += held_;
  held_.clear();
  return found;
}

void ToolCallReader::scan(Found& found) {
  bool more = true;
  while (more) {
    switch (state_) {
      case State::Start:
        more = scan_start();
        break;
      case State::Text:
        more = scan_text(found);
        break;
      case State::Tagged:
        more = scan_tagged(found);
        break;
      case State::Calls:
        more = scan_calls(found);
        break;
      case State::Whole:
        more = false;
    }
  }
}

// An answer that begins with a brace may be a call as a whole.
bool ToolCallReader::scan_start() {
  const size_t begin = held_.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return false;
  state_ = State::Text;
  if (held_[begin] != '{' || !options_.bare) return true;
  if (options_.syntax == CallSyntax::Llama3) {
    begin_calls(0);
  } else {
    state_ = State::Whole;
  }
  return true;
}

void ToolCallReader::begin_calls(size_t tag_bytes) {
  state_ = State::Calls;
  tag_bytes_ = tag_bytes;
  value_begin_ = 0;
  value_end_ = {};
}

// Hands text over up to the next call; true when one begins.
bool ToolCallReader::scan_text(Found& found) {
  if (after_call_) {  // white space between calls is nothing to read
    const bool is_list = options_.syntax == CallSyntax::Llama3;
    const size_t next = held_.find_first_not_of(is_list ? " \t\r\n;" : kBlanks);
    held_.erase(0, std::min(next, held_.size()));
    if (held_.empty()) return false;
    after_call_ = false;
    if (is_list && held_[0] == '{') {
      begin_calls(0);
      return true;
    }
  }
  const size_t open = held_.find(open_);
  const size_t ready = open == std::string::npos ? held_.size() - begun(held_, open_) : open;
  found.text += held_.substr(0, ready);
  held_.erase(0, ready);
  if (open == std::string::npos) return false;
  state_ = State::Tagged;
  if (options_.syntax != CallSyntax::Hermes) begin_calls(open_.size());
  return true;
}

// Takes a call that is complete; true when text goes on behind it.
bool ToolCallReader::scan_tagged(Found& found) {
  const size_t close = held_.find(kCallClose, open_.size());
  if (close == std::string::npos) return false;
  const std::string_view inside(held_.data() + open_.size(), close - open_.size());
  const size_t end = close + kCallClose.size();
  after_call_ = add_call(inside, found);
  if (!after_call_) found.text += held_.substr(0, end);
  held_.erase(0, end);
  state_ = State::Text;
  return true;
}

bool ToolCallReader::give_up(Found& found) {
  found.text += held_.substr(0, std::max<size_t>(tag_bytes_, 1));
  held_.erase(0, std::max<size_t>(tag_bytes_, 1));
  state_ = State::Text;
  return true;
}

// Calls without an end of their own: each is over with its last bracket.
bool ToolCallReader::scan_calls(Found& found) {
  if (value_begin_ == 0) {
    const size_t first = held_.find_first_not_of(kBlanks, tag_bytes_);
    if (first == std::string::npos) return false;
    const bool is_named = options_.syntax == CallSyntax::Mistral && held_[first] != '[';
    const size_t brace = is_named ? held_.find('{', first) : first;
    if (brace == std::string::npos) {
      return held_.size() - first > kLongestHead ? give_up(found) : false;
    }
    if (held_[brace] != '{' && held_[brace] != '[') return give_up(found);
    value_begin_ = brace + 1;
  }
  const size_t begin = value_begin_ - 1;
  const auto bytes = value_end_.find(std::string_view(held_).substr(begin));
  if (!bytes) return false;
  return take_calls(begin, begin + *bytes, found) ? true : give_up(found);
}

bool ToolCallReader::take_calls(size_t begin, size_t end, Found& found) {
  const std::string_view value = std::string_view(held_).substr(begin, end - begin);
  std::string_view head = trimmed(std::string_view(held_).substr(tag_bytes_, begin - tag_bytes_));
  const Json json = parse_inner(value);
  Found calls;
  if (!head.empty()) {  // name, or name[CALL_ID]id, then maybe [ARGS]
    const std::string name(head.substr(0, std::min(head.find('['), head.size())));
    if (!json.is_object() || !knows(name)) return false;
    calls.calls.push_back({name, line_of(json)});
  } else if (json.is_array() && options_.syntax == CallSyntax::Mistral) {
    for (const Json& one : json) {
      if (!add_call(one, calls)) return false;
    }
  } else if (!add_call(json, calls)) {
    return false;
  }
  std::ranges::move(calls.calls, std::back_inserter(found.calls));
  held_.erase(0, end);
  state_ = State::Text;
  after_call_ = true;
  return true;
}

bool ToolCallReader::knows(std::string_view name) const {
  return std::ranges::find(tools_, name) != tools_.end();
}

bool ToolCallReader::add_call(std::string_view text, Found& found) const {
  return add_call(parse_inner(trimmed(text)), found);
}

bool ToolCallReader::add_call(const Json& json, Found& found) const {
  if (!json.is_object() || !json.contains("name") || !json["name"].is_string()) return false;
  const std::string name = json["name"];
  if (!knows(name)) return false;
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
