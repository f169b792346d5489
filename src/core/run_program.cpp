#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <verge/core/descriptor.hpp>
#include <verge/core/run_program.hpp>

extern char** environ;

namespace verge {
namespace {

constexpr int kUnknownEnd = 255;  // where nobody may wait for children
constexpr size_t kMostOutput = 64 << 10;

Result<pid_t> spawn(std::vector<char*>& words, const posix_spawn_file_actions_t& actions) {
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, words[0], &actions, nullptr, words.data(), environ);
  if (failed == ENOENT) {
    return make_error(Code::NotFound, "{}: there is no such program in PATH", words[0]);
  }
  if (failed != 0) return system_error(words[0], "start", failed);
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  pid_t ended = 0;
  do {
    ended = ::waitpid(child, &status, 0);
  } while (ended < 0 && errno == EINTR);
  if (ended < 0) return kUnknownEnd;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Until the other end is closed; what is beyond the most is read and dropped.
std::string read_all(const Descriptor& reader) {
  std::string all;
  char part[4096];
  while (true) {
    const ssize_t got = ::read(reader.number(), part, sizeof(part));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return all;
    all.append(part, std::min(static_cast<size_t>(got), kMostOutput - all.size()));
  }
}

}  // namespace

Result<ProgramResult> run_program(const std::vector<std::string>& words) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error(words[0], "read from", errno);
  const Descriptor reader(ends[0]);
  Descriptor writer(ends[1]);
  std::vector<std::string> copies = words;
  std::vector<char*> pointers;
  for (std::string& word : copies) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, writer.number(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, writer.number(), STDERR_FILENO);
  const Result<pid_t> child = spawn(pointers, actions);
  ::posix_spawn_file_actions_destroy(&actions);
  if (!child) return child.error();
  writer = Descriptor();  // the child's end alone is left
  ProgramResult result{.status = 0, .output = read_all(reader)};
  result.status = wait_for(*child);
  return result;
}

}  // namespace verge
