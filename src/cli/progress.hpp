#pragma once
// Progress: how far a long command is, the same way in all of them. On a terminal one line, drawn
// again at most ten times a second and gone at the end; elsewhere a line each ten seconds, so that
// logs stay short and quick commands silent; nothing with --quiet.
//
//   Progress progress(context, clock);
//   progress.show(progress_bar(done, all, seconds, 1e-6, "MB/s") + name);

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <verge/cli/command.hpp>
#include <verge/core/clock.hpp>

namespace verge::cli {

class Progress {
 public:
  /// Both must outlive it.
  Progress(Context& context, const Clock& clock);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const std::string& line);
  /// Takes the line away; what is printed next begins at the margin.
  void clear();

 private:
  Context& context_;
  const Clock& clock_;
  double next_s_;
  bool drawn_ = false;
};

/// "[####      ]  40%  312.0 MB/s  8 s left  ": `done` of `all` after `seconds`; the rate is shown
/// times `scale`.
std::string progress_bar(double done, double all, double seconds, double scale,
                         std::string_view unit);

/// Shows a bar of bytes and MB/s, of an operation that begins now; both must outlive it.
std::function<void(int64_t done_bytes, int64_t all_bytes)> byte_progress(Progress& progress,
                                                                         const Clock& clock);

}  // namespace verge::cli
