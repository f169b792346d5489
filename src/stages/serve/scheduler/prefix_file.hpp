#pragma once
// A file of computed prefixes, so that a server that starts again finds the prompts it knew: pages
// with their tokens, of one model and type of cache, with a checksum.

#include <cstdint>
#include <string>

#include <verge/engine/runtime/decoder.hpp>
#include <verge/stages/serve/scheduler/prefix_cache.hpp>

namespace verge::serve {

/// Where a model's prefixes lie in a folder.
std::string prefix_path(const std::string& folder, const runtime::Decoder& decoder);

/// Writes the pages most recently used, up to so many bytes, whole or not at all: after an error
/// (Io for a full disk) what was there before still is.
Status save_prefixes(const std::string& path, const runtime::Decoder& decoder,
                     const PrefixCache& cache, int64_t most_bytes);
/// What a folder of such files may come to, and how long one that nobody reads stays.
struct PrefixFolderLimits {
  int64_t bytes = int64_t{8} << 30;
  int64_t age_s = 30 * 86400;
};

/// Deletes the files of prompts that were longest neither written nor read, until the rest is
/// within the limits; one that is `path` itself stays. Ages are counted from that file's, which was
/// written last. Other files are left alone. Alone among those that lock the folder.
Status trim_prefix_folder(const std::string& path, const PrefixFolderLimits& limits);

/// Fills free pages with what was saved, as many as there are. Fails with NotFound without a file,
/// Malformed for a damaged one, Conflict for that of another model, cache or version; then nothing
/// has changed. Otherwise the number of pages, and the file counts as used now.
Result<int64_t> load_prefixes(const std::string& path, runtime::Decoder& decoder,
                              PrefixCache& cache);

}  // namespace verge::serve
