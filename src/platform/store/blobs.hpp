#pragma once
// Blobs: files named by the SHA-256 of their content, FOLDER/ab/cdef... They never change once they
// stand under their name: written under another, synced, then renamed.
//
//   VERGE_TRY(StagedBlob blob, blobs.stage("model.gguf", Blobs::How::Copy, meter));
//   VERGE_RETURN_IF_ERROR(blob.place());      // until here nothing is there; destroyed, it is gone
//
// Several processes may stage at once. place() and sweep() must exclude each other: the store calls
// them with its database's write lock.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>

#include <verge/core/descriptor.hpp>
#include <verge/core/result.hpp>
#include <verge/platform/store/meter.hpp>

namespace verge::store {

struct Blob {
  std::string digest;
  int64_t bytes = 0;
};

class Blobs;
using Sink = std::function<Status(std::span<const std::byte>)>;

/// Content that is complete but not yet under its name. Movable.
class StagedBlob {
 public:
  ~StagedBlob();
  StagedBlob(StagedBlob&&) noexcept = default;
  StagedBlob& operator=(StagedBlob&&) = delete;

  const Blob& blob() const { return blob_; }
  /// Syncs it and gives it its name; replaces a file of that name, except by a link.
  Status place();

 private:
  friend class Blobs;
  StagedBlob() = default;

  Descriptor file_;        // locked, so that a sweep of another process leaves it
  std::string temporary_;  // empty when there is nothing to remove
  std::string folder_;
  Blob blob_;
  bool linked_ = false;
};

class Blobs {
 public:
  /// Copy: a file of its own, sharing blocks until one is written where the file system can
  /// (FICLONE). Link: another name of the same file, so whoever changes the one changes the other.
  enum class How { Copy, Link };

  explicit Blobs(std::string folder) : folder_(std::move(folder)) {}

  std::string path(const std::string& digest) const;
  /// Fails with Io for a full disk ("disk full") or a link across file systems, Conflict when the
  /// file grows or shrinks meanwhile, Cancelled.
  Result<StagedBlob> stage(const std::string& file, How how, Meter& meter) const;
  /// Whether the file is there with this size; then, for check(), with this content. NotFound or
  /// Malformed.
  Status expect(const Blob& blob) const;
  Status check(const Blob& blob, Meter& meter) const;
  /// A copy outside, whole or not at all; fails as check() does.
  Status copy_to(const std::string& target, const Blob& blob, Meter& meter) const;
  /// Removes what is not among `live`, and what a killed process left. Returns the bytes freed.
  int64_t sweep(const std::set<std::string>& live) const;

 private:
  Status create_temporary(StagedBlob& staged) const;
  Status read(const Blob& blob, const Sink& sink, Meter& meter) const;
  Status link_temporary(StagedBlob& staged, const std::string& file) const;

  std::string folder_;
};

}  // namespace verge::store
