#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>

#include <editline/readline.h>
#include <unistd.h>

#include <verge/cli/line_reader.hpp>
#include <verge/cli/user_folder.hpp>

namespace verge::cli {
namespace {

constexpr std::string_view kFence = "\"\"\"";
constexpr int kHistoryLines = 1000;

volatile std::sig_atomic_t line_interrupted = 0;

// Lets Ctrl-C end the read at the prompt, which restarting system calls would hide.
class InterruptibleRead {
 public:
  InterruptibleRead() {
    line_interrupted = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { line_interrupted = 1; };
    ::sigaction(SIGINT, &action, &before_);
  }
  ~InterruptibleRead() { ::sigaction(SIGINT, &before_, nullptr); }
  InterruptibleRead(const InterruptibleRead&) = delete;
  InterruptibleRead& operator=(const InterruptibleRead&) = delete;

 private:
  struct sigaction before_ {};
};

}  // namespace

LineReader::LineReader(bool edit, std::string history)
    : edits_(edit && ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0),
      history_(std::move(history)) {
  if (!edits_) return;
  ::using_history();
  ::stifle_history(kHistoryLines);
  if (!history_.empty()) ::read_history(history_.c_str());
}

LineReader::~LineReader() {
  if (!edits_ || history_.empty()) return;
  std::error_code ignored;  // no history is no reason to fail at the end
  std::filesystem::create_directories(std::filesystem::path(history_).parent_path(), ignored);
  ::write_history(history_.c_str());
}

LineReader::Line LineReader::edit_line(const std::string& prompt) {
  const InterruptibleRead guard;
  const std::unique_ptr<char, void (*)(void*)> text(::readline(prompt.c_str()), std::free);
  if (line_interrupted != 0) {
    std::cout << std::endl;
    return {"", false, true};
  }
  if (text == nullptr) return {"", true, false};
  if (*text != '\0') ::add_history(text.get());
  return {text.get(), false, false};
}

LineReader::Line LineReader::read_line(const std::string& prompt) {
  if (edits_) return edit_line(prompt);
  Line line;
  line.ended = !std::getline(std::cin, line.text);
  return line;
}

std::optional<std::string> LineReader::read(const std::string& prompt) {
  std::string entry;
  bool fenced = false, continues = false;
  while (true) {
    Line line = read_line(fenced || continues ? "... " : prompt);
    if (line.ended) return entry.empty() ? std::nullopt : std::optional(entry);
    if (line.interrupted) {
      entry.clear();
      fenced = continues = false;
      continue;
    }
    if (line.text == kFence) {
      if (fenced) return entry;
      fenced = true;
      continue;
    }
    continues = !fenced && line.text.ends_with('\\');
    if (continues) line.text.pop_back();
    entry += line.text;
    if (!fenced && !continues) return entry;
    entry += '\n';
  }
}

std::string history_path() {
  const std::string folder = user_folder("XDG_STATE_HOME", ".local/state");
  return folder.empty() ? "" : folder + "/history";
}

}  // namespace verge::cli
