#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>

#include <verge/core/checksum.hpp>
#include <verge/core/file_lock.hpp>
#include <verge/engine/runtime/checked_file.hpp>
#include <verge/stages/serve/scheduler/prefix_file.hpp>

namespace verge::serve {
namespace {

using runtime::CheckedReader;
using runtime::CheckedWriter;
using runtime::Decoder;

constexpr std::string_view kMagic = "VERGEPFX";
constexpr uint32_t kVersion = 1;

namespace fs = std::filesystem;

struct PrefixEntry {
  fs::path path;
  fs::file_time_type used;
  int64_t bytes;
};

bool is_prefix_name(std::string_view name) {
  constexpr std::string_view kBegin = "prompts-", kEnd = ".kv", kDigits = "0123456789abcdef";
  return name.size() == kBegin.size() + 16 + kEnd.size() && name.starts_with(kBegin) &&
         name.ends_with(kEnd) &&
         name.substr(kBegin.size(), 16).find_first_not_of(kDigits) == std::string_view::npos;
}

// Those of the folder but `path`, the last used first. What goes meanwhile is left out.
std::vector<PrefixEntry> other_prefix_files(const fs::path& path) {
  std::vector<PrefixEntry> found;
  std::error_code error;
  for (fs::directory_iterator file(path.parent_path(), error), end; !error && file != end;
       file.increment(error)) {
    if (!is_prefix_name(file->path().filename().string())) continue;
    if (file->path().filename() == path.filename()) continue;
    std::error_code gone;
    PrefixEntry entry{file->path(), file->last_write_time(gone), 0};
    if (!gone) entry.bytes = static_cast<int64_t>(file->file_size(gone));
    if (!gone) found.push_back(std::move(entry));
  }
  std::ranges::sort(found, std::greater{}, &PrefixEntry::used);
  return found;
}

// What pages must have in common to be exchanged.
std::string kind_of(const Decoder& decoder) {
  const TensorView& cache = decoder.states.all().at("kv.0");
  return fmt::format("{} {} {} {} {}", decoder.identity, name(cache.dtype), decoder.layers,
                     decoder.page_tokens, runtime::page_bytes(decoder, 0, 0).size());
}

int64_t bytes_of_page(const Decoder& decoder) {
  return decoder.layers * static_cast<int64_t>(runtime::page_bytes(decoder, 0, 0).size());
}

struct Saved {
  uint64_t hash;
  int32_t before;  // its place in the file, -1 at the beginning
  std::span<const std::byte> tokens;
  std::span<const std::byte> content;
};

Result<std::vector<Saved>> read_entries(CheckedReader& reader, const Decoder& decoder,
                                        const std::string& path) {
  std::vector<Saved> entries;
  const auto count = reader.number<uint64_t>();
  for (uint64_t i = 0; i < count; ++i) {
    Saved entry{.hash = reader.number<uint64_t>(),
                .before = reader.number<int32_t>(),
                .tokens = {},
                .content = {}};
    entry.tokens = reader.bytes(static_cast<uint64_t>(decoder.page_tokens) * sizeof(int32_t));
    entry.content = reader.bytes(static_cast<uint64_t>(bytes_of_page(decoder)));
    if (!reader.good() || entry.before < -1 || entry.before >= static_cast<int64_t>(i)) {
      return make_error(Code::Malformed, "{}: saved prompts are cut off; delete the file", path);
    }
    entries.push_back(entry);
  }
  return entries;
}

void fill(const Decoder& decoder, int32_t page, std::span<const std::byte> content) {
  for (int64_t layer = 0; layer < decoder.layers; ++layer) {
    const auto target = runtime::page_bytes(decoder, layer, page);
    std::memcpy(target.data(), content.data(), target.size());
    content = content.subspan(target.size());
  }
}

}  // namespace

std::string prefix_path(const std::string& folder, const Decoder& decoder) {
  const std::string kind = kind_of(decoder);
  return fmt::format("{}/prompts-{:016x}.kv", folder, checksum(std::as_bytes(std::span(kind))));
}

Status save_prefixes(const std::string& path, const Decoder& decoder, const PrefixCache& cache,
                     int64_t most_bytes) {
  std::vector<PrefixCache::Entry> entries = cache.entries();
  const int64_t most = most_bytes / std::max<int64_t>(bytes_of_page(decoder), 1);
  if (static_cast<int64_t>(entries.size()) > most) entries.resize(static_cast<size_t>(most));
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  CheckedWriter writer(std::move(file), kMagic);
  writer.number(kVersion);
  writer.text(kind_of(decoder));
  writer.number<uint64_t>(entries.size());
  std::map<int32_t, int32_t> places;
  for (const PrefixCache::Entry& entry : entries) {
    writer.number(entry.hash);
    writer.number<int32_t>(entry.before < 0 ? -1 : places.at(entry.before));
    writer.bytes(std::as_bytes(entry.tokens));
    for (int64_t layer = 0; layer < decoder.layers; ++layer) {
      writer.bytes(runtime::page_bytes(decoder, layer, entry.page));
    }
    const auto place = static_cast<int32_t>(places.size());
    places[entry.page] = place;
  }
  return writer.finish();
}

Status trim_prefix_folder(const std::string& path, const PrefixFolderLimits& limits) {
  VERGE_TRY(const FileLock alone, FileLock::of_folder_of(path));
  std::error_code error;
  const fs::file_time_type now = fs::last_write_time(path, error);
  if (error) return system_error(path, "read", error.value());
  int64_t bytes = static_cast<int64_t>(fs::file_size(path, error));
  for (const PrefixEntry& file : other_prefix_files(path)) {
    bytes += file.bytes;
    const bool is_old = now - file.used > std::chrono::seconds(limits.age_s);
    if (!is_old && bytes <= limits.bytes) continue;
    bytes -= file.bytes;
    fs::remove(file.path, error);
    if (error) return system_error(file.path.string(), "delete", error.value());
  }
  return {};
}

Result<int64_t> load_prefixes(const std::string& path, Decoder& decoder, PrefixCache& cache) {
  VERGE_TRY(const MappedFile file, MappedFile::open(path));
  VERGE_TRY(const auto content, runtime::checked_content(file, kMagic));
  CheckedReader reader(content);
  if (reader.number<uint32_t>() != kVersion || reader.text() != kind_of(decoder)) {
    return make_error(Code::Conflict, "{}: saved prompts of another model or version; delete it",
                      path);
  }
  VERGE_TRY(const std::vector<Saved> entries, read_entries(reader, decoder, path));
  std::vector<int32_t> pages;  // by place; -1 for one that is not kept
  int64_t kept = 0;
  for (const Saved& entry : entries) {
    pages.push_back(-1);
    const bool has_before = entry.before < 0 || pages[static_cast<size_t>(entry.before)] >= 0;
    if (!has_before || decoder.pool.free_pages() == 0) continue;
    VERGE_TRY(const int32_t page, decoder.pool.allocate());
    fill(decoder, page, entry.content);
    std::vector<int32_t> tokens(static_cast<size_t>(decoder.page_tokens));
    std::memcpy(tokens.data(), entry.tokens.data(), entry.tokens.size());
    const int32_t before = entry.before < 0 ? -1 : pages[static_cast<size_t>(entry.before)];
    if (cache.put({entry.hash, page, before, tokens})) {
      pages.back() = page;
      ++kept;
    }
    decoder.pool.release(page);  // the cache has it now, or nobody
  }
  std::error_code unwritable;  // then it counts as used when it was written
  fs::last_write_time(path, fs::file_time_type::clock::now(), unwritable);
  return kept;
}

}  // namespace verge::serve
