// bench_residency MODEL [share [tokens]]: decoding below a memory ceiling. The ceiling leaves
// `share` (0.5) of the weights in memory. Beside it, in the same run: the model whole; the same
// bytes read with nothing computed, which is what the storage allows; a window over all weights, as
// a cache of the last ones used (LRU) would have it, for they come round in a circle; and a plain
// mapping of the file, read through with no more than that share resident.

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <verge/core/machine.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/engine/model/model_residency.hpp>

#include "timing.hpp"

namespace verge::bench {
namespace {

constexpr double kMiB = 1 << 20;
constexpr int64_t kContext = 256;

model::LoadOptions options_of(int64_t ceiling) {
  model::LoadOptions options;
  options.context = kContext;
  options.max_tokens = 64;
  options.memory_bytes = ceiling;
  return options;
}

struct Decoding {
  double token_s = 0;
  int64_t streamed_bytes = 0;
  double read_s = 0;  // a token, while others computed
};

Result<Decoding> decode(const std::string& path, int64_t ceiling, int tokens, ThreadPool& pool) {
  VERGE_TRY(const auto model, model::LanguageModel::load(path, options_of(ceiling), pool));
  runtime::Session session = model->session();
  const std::vector<int32_t> prompt(16, 5);
  VERGE_RETURN_IF_ERROR(session.append(prompt));
  const SystemClock clock;
  std::vector<double> times;
  const auto read_s = [&] {
    return model->stream() == nullptr ? 0 : model->stream()->totals().read_s;
  };
  const double before = read_s();
  for (int i = 0; i <= tokens; ++i) {
    const double begin = clock.seconds();
    VERGE_RETURN_IF_ERROR(session.append(std::span(prompt).first(1)));
    if (i > 0) times.push_back(clock.seconds() - begin);
  }
  Decoding decoding{bench::median(times)};
  if (model->stream() == nullptr) return decoding;
  decoding.streamed_bytes = model->residency()->streamed_bytes;
  decoding.read_s = (read_s() - before) / (tokens + 1);
  return decoding;
}

constexpr int kRuns = 5;  // of each base line, of which the median counts

// One pass over `bytes` of the file past the page cache, in pieces as large as the stream's.
Result<double> read_once(const std::string& path, int64_t bytes) {
  constexpr int64_t kPiece = int64_t{4} << 20;
  VERGE_TRY(const auto file, DirectFile::open(path));
  const PageBuffer room(RangeReader::room_for(kPiece));
  const SystemClock clock;
  const double begin = clock.seconds();
  for (int64_t at = 0; at < bytes; at += kPiece) {
    const int64_t count = std::min(kPiece, bytes - at);
    VERGE_TRY([[maybe_unused]] const std::byte* data,
              file->read(static_cast<uint64_t>(at), count, room.span()));
  }
  return clock.seconds() - begin;
}

Result<double> read_alone(const std::string& path, int64_t bytes) {
  std::vector<double> times;
  for (int run = 0; run < kRuns; ++run) {
    VERGE_TRY(const double seconds, read_once(path, bytes));
    times.push_back(seconds);
  }
  return median(times);
}

// Passes over a mapping of the file, of which the last `resident` bytes read stay: what remains of
// the page cache for it. Nothing is computed but a sum of one value a page.
Result<double> map_through(const std::string& path, int64_t resident, int passes) {
  VERGE_TRY(const OpenFile opened, open_to_read(path));
  const int file = opened.descriptor.number();
  const auto size = static_cast<size_t>(opened.bytes);
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) return system_error(path, "map", errno);
  const auto* data = static_cast<const volatile std::byte*>(memory);
  constexpr int64_t kPiece = int64_t{8}
                             << 20;  // some pages of the cache are of 2 MiB, and go as a whole
  const int64_t pieces = (opened.bytes + kPiece - 1) / kPiece, kept = resident / kPiece;
  ::fsync(file);  // what is not written yet cannot be dropped
  ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  const SystemClock clock;
  std::vector<double> times;
  int sum = 0;
  for (int pass = 0; pass <= passes; ++pass) {
    const double begin = clock.seconds();
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const int64_t end = std::min((piece + 1) * kPiece, opened.bytes);
      for (int64_t at = piece * kPiece; at < end; at += 4096) sum += static_cast<int>(data[at]);
      const int64_t oldest = (piece - kept + pieces) % pieces * kPiece;
      ::madvise(static_cast<std::byte*>(memory) + oldest,
                static_cast<size_t>(std::min(kPiece, opened.bytes - oldest)), MADV_DONTNEED);
      ::posix_fadvise(file, oldest, kPiece, POSIX_FADV_DONTNEED);
    }
    if (pass > 0) times.push_back(clock.seconds() - begin);
  }
  ::munmap(memory, size);
  return sum == -1 ? 0 : bench::median(times);
}

Status run(const std::string& path, double share, int tokens) {
  VERGE_TRY(const auto source, format::ModelSource::open(path));
  int64_t weights = 0;
  for (const auto& tensor : source.tensors()) weights += static_cast<int64_t>(tensor.bytes.size());
  VERGE_TRY(const model::MemoryNeed need,
            model::plan_memory_need(source, options_of(int64_t{1} << 40)));
  const auto left = static_cast<int64_t>(share * static_cast<double>(weights));
  const int64_t ceiling = left + need.kv_bytes + need.arena_bytes;
  ThreadPool pool(available_cores());
  std::printf("%s: %.0f MiB of weights, ceiling %.0f MiB, %d tokens, %d threads\n", path.c_str(),
              static_cast<double>(weights) / kMiB, static_cast<double>(ceiling) / kMiB, tokens,
              pool.size());
  VERGE_TRY(const Decoding whole, decode(path, 0, tokens, pool));
  VERGE_TRY(const Decoding below, decode(path, ceiling, tokens, pool));
  VERGE_TRY(const double storage, read_alone(path, below.streamed_bytes));
  const double bound = std::max(storage, whole.token_s);
  VERGE_TRY(const double all, read_alone(path, weights));
  VERGE_TRY(const double mapped, map_through(path, left, kRuns));
  std::printf("all in memory           %8.1f ms a token\n", whole.token_s * 1e3);
  std::printf("below the ceiling       %8.1f ms, %.0f MiB streamed, %.1f ms of reading\n",
              below.token_s * 1e3, static_cast<double>(below.streamed_bytes) / kMiB,
              below.read_s * 1e3);
  std::printf("reading those alone     %8.1f ms, %.2f GB/s\n", storage * 1e3,
              static_cast<double>(below.streamed_bytes) / storage * 1e-9);
  std::printf("over max(compute, read) %8.2f\n", below.token_s / bound);
  std::printf("LRU window, reading     %8.1f ms: ratio %.2f\n", all * 1e3, below.token_s / all);
  std::printf("mapping, reading        %8.1f ms: ratio %.2f\n", mapped * 1e3,
              below.token_s / mapped);
  return {};
}

}  // namespace
}  // namespace verge::bench

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "bench_residency MODEL [share [tokens]]\n"), 2;
  const double share = argc > 2 ? std::atof(argv[2]) : 0.5;
  const auto status = verge::bench::run(argv[1], share, argc > 3 ? std::atoi(argv[3]) : 10);
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
