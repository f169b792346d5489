#include <algorithm>

#include <verge/core/file.hpp>
#include <verge/engine/format/hf/json_object.hpp>
#include <verge/engine/quality/tasks.hpp>

namespace verge::quality {
namespace {

using format::JsonObject;

constexpr size_t kMaxTaskBytes = size_t{1} << 30;

Error wrong(const JsonObject& line, std::string_view key, std::string_view expected) {
  return make_error(Code::Malformed, "{}: \"{}\" is not {}", line.path(), key, expected);
}

Result<std::string> text_of(const JsonObject& line, const std::string& key) {
  VERGE_TRY(const auto text, line.text(key));
  if (!text) return wrong(line, key, "there, and a task needs it");
  return *text;
}

Result<Choice> choice_of(const JsonObject& line) {
  Choice choice;
  VERGE_TRY(choice.query, text_of(line, "query"));
  const auto choices = line.json().find("choices");
  if (choices == line.json().end() || !choices->is_array() || choices->size() < 2) {
    return wrong(line, "choices", "a list of two texts or more");
  }
  for (const auto& text : *choices) {
    if (!text.is_string() || text.get_ref<const std::string&>().empty()) {
      return wrong(line, "choices", "a list of texts");
    }
    choice.choices.push_back(text.get<std::string>());
  }
  VERGE_TRY(const auto answer, line.whole("answer"));
  if (!answer || *answer >= choice.choices.size()) {
    return wrong(line, "answer", "the place of a choice, counted from 0");
  }
  choice.answer = *answer;
  return choice;
}

Result<Pair> pair_of(const JsonObject& line) {
  Pair pair;
  VERGE_TRY(pair.good, text_of(line, "sentence_good"));
  VERGE_TRY(pair.bad, text_of(line, "sentence_bad"));
  return pair;
}

template <typename Task>
Result<std::vector<Task>> read_tasks(const std::string& path,
                                     Result<Task> (*task_of)(const JsonObject&)) {
  VERGE_TRY(const std::string text, read_whole_file(path, kMaxTaskBytes));
  std::vector<Task> tasks;
  int number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    VERGE_TRY(const auto object, JsonObject::parse(line, fmt::format("{}: line {}", path, number)));
    VERGE_TRY(Task task, task_of(object));
    tasks.push_back(std::move(task));
  }
  if (tasks.empty()) {
    return make_error(Code::Malformed, "{}: holds no task; one JSON object a line is expected",
                      path);
  }
  return tasks;
}

}  // namespace

Result<std::vector<Choice>> read_choices(const std::string& path) {
  return read_tasks<Choice>(path, choice_of);
}

Result<std::vector<Pair>> read_pairs(const std::string& path) {
  return read_tasks<Pair>(path, pair_of);
}

}  // namespace verge::quality
