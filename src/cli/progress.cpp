#include <algorithm>
#include <ostream>

#include <verge/cli/progress.hpp>

namespace verge::cli {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kLineSeconds = 10;
constexpr size_t kBarWidth = 24;
constexpr std::string_view kEraseLine = "\r\x1b[K";

// A prefix that does not end within a UTF-8 character.
std::string_view cut(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

std::string duration(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  if (seconds < 6000) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

}  // namespace

Progress::Progress(Context& context, const Clock& clock)
    : context_(context),
      clock_(clock),
      next_s_(clock.seconds() + (context.terminal_columns > 0 ? 0 : kLineSeconds)) {}

Progress::~Progress() {
  clear();
}

void Progress::show(const std::string& line) {
  const double now = clock_.seconds();
  if (context_.quiet || now < next_s_) return;
  if (context_.terminal_columns > 0) {
    next_s_ = now + kRedrawSeconds;
    const auto most = static_cast<size_t>(context_.terminal_columns - 1);
    context_.err << kEraseLine << cut(line, most) << std::flush;
    drawn_ = true;
  } else {
    next_s_ = now + kLineSeconds;
    context_.err << line << std::endl;
  }
}

void Progress::clear() {
  if (drawn_) context_.err << kEraseLine << std::flush;
  drawn_ = false;
}

std::string progress_bar(double done, double all, double seconds, double scale,
                         std::string_view unit) {
  const double share = all > 0 ? std::clamp(done / all, 0.0, 1.0) : 1;
  std::string bar(kBarWidth, ' ');
  std::fill_n(bar.begin(), static_cast<size_t>(share * kBarWidth), '#');
  std::string line = fmt::format("[{}] {:3.0f}%", bar, 100 * share);
  if (seconds > 0 && done > 0) {
    line += fmt::format("  {:.1f} {}  {} left", done * scale / seconds, unit,
                        duration(seconds * (1 - share) / share));
  }
  return line + "  ";
}

std::function<void(int64_t, int64_t)> byte_progress(Progress& progress, const Clock& clock) {
  return [&progress, &clock, begin = clock.seconds()](int64_t done, int64_t all) {
    progress.show(progress_bar(static_cast<double>(done), static_cast<double>(all),
                               clock.seconds() - begin, 1e-6, "MB/s"));
  };
}

}  // namespace verge::cli
