#pragma once
// LineReader: what a person types, with editing and history at a terminal and as plain lines
// otherwise. A line that ends in \ continues on the next; a line """ begins and ends a block.

#include <optional>
#include <string>

namespace verge::cli {

class LineReader {
 public:
  /// `edit`: use the terminal if standard input and output are one. `history` is the file that
  /// keeps lines between runs; empty for none.
  LineReader(bool edit, std::string history);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  /// The next entry, of one or more lines; nothing at the end of input. Ctrl-C gives up the entry
  /// and begins another.
  std::optional<std::string> read(const std::string& prompt);
  bool edits() const { return edits_; }

 private:
  struct Line {
    std::string text;
    bool ended = false;
    bool interrupted = false;
  };
  Line read_line(const std::string& prompt);
  Line edit_line(const std::string& prompt);

  bool edits_;
  std::string history_;
};

/// $XDG_STATE_HOME/verge/history, or below ~/.local/state.
std::string history_path();

}  // namespace verge::cli
