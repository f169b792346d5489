#include <cerrno>
#include <filesystem>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <verge/core/temporary_name.hpp>

namespace verge {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPartial = ".verge-partial-";
constexpr std::string_view kAny = "XXXXXX";

bool is_ours(const Descriptor& opened) {
  struct stat facts {};
  return ::fstat(opened.number(), &facts) == 0 && facts.st_uid == ::geteuid() &&
         (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode));
}

void remove_if_abandoned(const fs::path& path) {
  const Descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!opened.is_open() || !is_ours(opened)) return;
  if (::flock(opened.number(), LOCK_EX | LOCK_NB) != 0) return;
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

}  // namespace

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string temporary_name(const std::string& path) {
  return path + std::string(kPartial) + std::string(kAny);
}

bool keep_from_sweeps(const Descriptor& opened, const std::string& temporary) {
  while (::flock(opened.number(), LOCK_EX) != 0 && errno == EINTR) continue;
  struct stat facts {};
  return ::lstat(temporary.c_str(), &facts) == 0;
}

void sweep_abandoned(const std::string& path) {
  const std::string begin = path.substr(path.rfind('/') + 1) + std::string(kPartial);
  std::error_code error;
  for (fs::directory_iterator entry(folder_of(path), error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(begin) || name.size() != begin.size() + kAny.size()) continue;
    remove_if_abandoned(entry->path());
  }
}

}  // namespace verge
