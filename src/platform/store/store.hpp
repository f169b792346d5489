#pragma once
// Store: what was learned, measured or fetched, kept by name: content in files named by their
// SHA-256 (blobs.hpp), and names, facts and lineage in an SQLite database beside them.
//
//   VERGE_TRY(Store store, Store::open(root));
//   VERGE_TRY(Added added, store.add({.kind = "model", .name = "qwen", .files = {{"", path}}}));
//   VERGE_TRY(Artifact model, store.find("model", "qwen"));
//   VERGE_TRY(std::string file, store.path(model));
//
// One thread an object; any number of processes on one root. Killed at any moment, a process leaves
// a store without what it was adding. A root that cannot be written serves all that only reads.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/platform/store/blobs.hpp>
#include <verge/platform/store/database.hpp>

namespace verge::store {

struct StoredFile {
  std::string name;  // within the artifact's folder; empty for an artifact of one file
  Blob blob;
};

/// How an artifact came to be: "import" from a path, "quantize" of a digest, ...
struct Origin {
  std::string relation;
  std::string source;
};

struct Artifact {
  std::string kind;    // "model"
  std::string name;    // unique within its kind
  std::string digest;  // SHA-256 of its file, or of its files' list as sha256sum prints it
  int64_t bytes = 0;
  int64_t created_s = 0;  // since 1970, UTC
  std::string facts;      // JSON, for whoever knows the kind
  std::vector<StoredFile> files;
  std::vector<Origin> origins;
};

struct NewArtifact {
  std::string kind;
  std::string name;
  std::vector<std::pair<std::string, std::string>> files;  // name in the artifact, path to read
  std::string facts = "{}";
  std::vector<Origin> origins = {};
  Blobs::How how = Blobs::How::Copy;
};

struct Listing {
  std::vector<Artifact> sound;  // by name
  std::vector<Error> damaged;   // one for each entry that cannot be believed, with its name
};

struct Added {
  Artifact artifact;
  bool was_there = false;  // the same content under this name
};

class Store {
 public:
  /// A root that is not there is an empty store; add() makes it. Fails with Malformed for a damaged
  /// database, Unsupported for one of a newer version.
  static Result<Store> open(const std::string& root);

  const std::string& root() const { return root_; }
  /// A damaged entry hides no other.
  Result<Listing> list(const std::string& kind) const;
  /// None where nothing has the name; Malformed when its entry is damaged.
  Result<std::optional<Artifact>> lookup(const std::string& kind, const std::string& name) const;
  /// As lookup(); NotFound names the nearest names.
  Result<Artifact> find(const std::string& kind, const std::string& name) const;
  /// The file, or the folder that holds the files. Fails if one is missing or has another size.
  Result<std::string> path(const Artifact& artifact) const;
  /// Conflict when the name has another content. All or nothing.
  Result<Added> add(const NewArtifact& artifact, const Watch& watch = {});
  /// Frees what no other name holds; returns the bytes. Takes damaged entries as well.
  Result<int64_t> remove(const std::string& kind, const std::string& name);
  /// Reads all of it again and compares. NotFound or Malformed name the file.
  Status verify(const Artifact& artifact, const Watch& watch = {}) const;
  /// Writes the file, or the files into a folder, and compares as verify() does.
  Status copy_to(const std::string& target, const Artifact& artifact,
                 const Watch& watch = {}) const;

 private:
  explicit Store(std::string root);
  Status create();
  Result<Artifact> read(const std::string& kind, const Statement& row) const;
  Result<Added> commit(const Artifact& artifact, std::vector<StagedBlob>& staged);
  Status record(const Artifact& artifact);
  std::string folder_of(const std::string& digest, const std::string& name) const;
  Status make_folder(const Artifact& artifact) const;
  Status remove_folder(const Artifact& artifact);
  Result<int64_t> sweep();

  std::string root_;
  Blobs blobs_;
  std::optional<Database> database_;  // none while there is no store
};

/// For an error about an unknown name: "near it: a, b", "there are c, d" or "the store is empty".
std::string other_names(const std::string& name, const std::vector<Artifact>& known);

inline constexpr size_t kMostNameBytes = 128;

/// Letters, digits and . _ - : +, from a letter or digit on. InvalidArgument.
Status check_name(const std::string& name);

}  // namespace verge::store
