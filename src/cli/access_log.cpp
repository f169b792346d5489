#include <ostream>

#include <fmt/format.h>

#include <verge/cli/access_log.hpp>
#include <verge/cli/json.hpp>
#include <verge/stages/serve/api/answer_facts.hpp>

namespace verge::cli {
namespace {

// What a client names the path is shown without control characters.
std::string printable(std::string_view text) {
  constexpr size_t kLongest = 200;
  std::string shown;
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    shown += byte < 0x20 || byte == 0x7F ? '?' : c;
  }
  return shown;
}

}  // namespace

void AccessLog::add(const http::AccessRecord& record) {
  const std::string time = serve::api::rfc3339(unix_time_s_());
  if (format_ == Format::Json) {
    write(serve::api::line_of({{"time", time},
                               {"id", record.id},
                               {"peer", record.peer},
                               {"method", record.method},
                               {"target", record.target},
                               {"status", record.status},
                               {"request_bytes", record.request_bytes},
                               {"answer_bytes", record.answer_bytes},
                               {"seconds", record.seconds},
                               {"cut", record.cut}}));
    return;
  }
  std::string line = fmt::format("{} {} {} {} {} {} B {:.3f} s {}", time, printable(record.peer),
                                 printable(record.method), printable(record.target), record.status,
                                 record.answer_bytes, record.seconds, printable(record.id));
  if (!record.cut.empty()) line += fmt::format(" cut: {}", record.cut);
  write(line);
}

void AccessLog::note(const std::string& message) {
  const std::string time = serve::api::rfc3339(unix_time_s_());
  write(format_ == Format::Json ? serve::api::line_of({{"time", time}, {"message", message}})
                                : time + " " + message);
}

void AccessLog::write(const std::string& line) {
  const std::lock_guard lock(mutex_);
  out_ << line + "\n" << std::flush;
}

}  // namespace verge::cli
