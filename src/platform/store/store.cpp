#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/ranges.h>

#include <verge/core/atomic_folder.hpp>
#include <verge/core/nearest_names.hpp>
#include <verge/platform/store/schema.hpp>
#include <verge/platform/store/sha256.hpp>
#include <verge/platform/store/store.hpp>

namespace verge::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDatabase = "/store.sqlite";
constexpr const char* kRows =
    "SELECT id, name, digest, bytes, created_s, facts FROM artifact WHERE kind = ?";

bool is_folder(const Artifact& artifact) {
  return artifact.files.size() != 1 || !artifact.files.front().name.empty();
}

// As `sha256sum *` prints it, so that anybody can check it.
std::string digest_of(const std::vector<StoredFile>& files) {
  if (files.size() == 1 && files.front().name.empty()) return files.front().blob.digest;
  std::string list;
  for (const StoredFile& file : files) list += file.blob.digest + "  " + file.name + "\n";
  return sha256(list);
}

Result<int64_t> bytes_of(const NewArtifact& artifact) {
  int64_t bytes = 0;
  for (const auto& [name, path] : artifact.files) {
    VERGE_TRY(const OpenFile file, open_to_read(path));
    bytes += file.bytes;
  }
  return bytes;
}

Status read_parts(const Database& database, int64_t id, Artifact& artifact) {
  VERGE_TRY(Statement files, database.prepare("SELECT name, digest, bytes FROM file "
                                              "WHERE artifact = ? ORDER BY name"));
  files.bind(id);
  for (;;) {
    VERGE_TRY(const bool row, files.step());
    if (!row) break;
    artifact.files.push_back({files.text(0), {files.text(1), files.number(2)}});
  }
  VERGE_TRY(Statement lineage, database.prepare("SELECT relation, source FROM lineage "
                                                "WHERE artifact = ? ORDER BY relation, source"));
  lineage.bind(id);
  for (;;) {
    VERGE_TRY(const bool row, lineage.step());
    if (!row) return {};
    artifact.origins.push_back({lineage.text(0), lineage.text(1)});
  }
}

bool is_digest(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_file_name(const std::string& name) {
  return name.empty() || (fs::path(name).filename() == name && name != "." && name != "..");
}

// Paths are made of what a row says: a database from elsewhere must not lead out of the store.
Status check_row(const Artifact& artifact, const std::string& database) {
  const bool sound = check_name(artifact.name).ok() && is_digest(artifact.digest) &&
                     std::ranges::all_of(artifact.files, [](const StoredFile& file) {
                       return is_file_name(file.name) && is_digest(file.blob.digest);
                     });
  if (sound) return {};
  return make_error(Code::Malformed,
                    "{}: the entry of {} is damaged; remove it (verge model rm '{}') and import it "
                    "again",
                    database, artifact.name, artifact.name);
}

Error taken(const std::string& name) {
  return make_error(Code::Conflict,
                    "{}: another model has this name; give another with --name, or remove it first",
                    name);
}

}  // namespace

Status check_name(const std::string& name) {
  constexpr std::string_view kAlphanumeric =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  const std::string others = std::string(kAlphanumeric) + "._-:+";
  const bool good = !name.empty() && name.size() <= kMostNameBytes &&
                    kAlphanumeric.find(name.front()) != std::string_view::npos &&
                    name.find_first_not_of(others) == std::string::npos;
  if (good) return {};
  return make_error(Code::InvalidArgument,
                    "{}: is no name for the store; use letters, digits and . _ - : +, at most {}",
                    name, kMostNameBytes);
}

std::string other_names(const std::string& name, const std::vector<Artifact>& known) {
  std::vector<std::string> names;
  for (const Artifact& artifact : known) names.push_back(artifact.name);
  if (names.empty()) return "the store is empty";
  const std::vector<std::string> near = nearest_names(name, names);
  return near.empty() ? fmt::format("there are {}", fmt::join(names, ", "))
                      : fmt::format("near it: {}", fmt::join(near, ", "));
}

Store::Store(std::string root) : root_(std::move(root)), blobs_(root_ + "/objects") {}

Result<Store> Store::open(const std::string& root) {
  Store store(root);
  std::error_code error;
  if (!fs::exists(root + kDatabase, error)) return store;
  VERGE_TRY(Database database, Database::open(root + kDatabase, Database::Mode::Existing));
  VERGE_TRY(const bool ready, has_schema(database));
  if (ready) store.database_ = std::move(database);
  return store;
}

Status Store::create() {
  if (database_) return {};
  std::error_code error;
  fs::create_directories(root_, error);
  if (error) return system_error(root_, "write", error.value());
  VERGE_TRY(Database database, Database::open(root_ + kDatabase, Database::Mode::Create));
  VERGE_RETURN_IF_ERROR(apply_schema(database));
  database_ = std::move(database);
  return {};
}

Result<Artifact> Store::read(const std::string& kind, const Statement& row) const {
  Artifact artifact{kind,          row.text(1), row.text(2), row.number(3),
                    row.number(4), row.text(5), {},          {}};
  VERGE_RETURN_IF_ERROR(read_parts(*database_, row.number(0), artifact));
  return artifact;
}

Result<Listing> Store::list(const std::string& kind) const {
  Listing all;
  if (!database_) return all;
  VERGE_TRY(Statement rows, database_->prepare(std::string(kRows) + " ORDER BY name"));
  rows.bind(kind);
  for (;;) {
    VERGE_TRY(const bool row, rows.step());
    if (!row) return all;
    VERGE_TRY(Artifact artifact, read(kind, rows));
    const Status status = check_row(artifact, root_ + kDatabase);
    if (status) {
      all.sound.push_back(std::move(artifact));
    } else {
      all.damaged.push_back(status.error());
    }
  }
}

Result<std::optional<Artifact>> Store::lookup(const std::string& kind,
                                              const std::string& name) const {
  if (!database_) return std::optional<Artifact>();
  VERGE_TRY(Statement rows, database_->prepare(std::string(kRows) + " AND name = ?"));
  rows.bind(kind).bind(name);
  VERGE_TRY(const bool row, rows.step());
  if (!row) return std::optional<Artifact>();
  VERGE_TRY(Artifact artifact, read(kind, rows));
  VERGE_RETURN_IF_ERROR(check_row(artifact, root_ + kDatabase));
  return std::optional(std::move(artifact));
}

Result<Artifact> Store::find(const std::string& kind, const std::string& name) const {
  VERGE_TRY(auto found, lookup(kind, name));
  if (found) return std::move(*found);
  VERGE_TRY(const Listing all, list(kind));
  return make_error(Code::NotFound, "{}: no stored {} has this name; {}", name, kind,
                    other_names(name, all.sound));
}

Result<std::string> Store::path(const Artifact& artifact) const {
  for (const StoredFile& file : artifact.files) {
    const Status status = blobs_.expect(file.blob);
    if (!status) return Error{status.error().code, artifact.name + ": " + status.error().message};
  }
  if (!is_folder(artifact)) return blobs_.path(artifact.digest);
  const std::string folder = folder_of(artifact.digest, artifact.name);
  for (const StoredFile& file : artifact.files) {
    std::error_code error;
    if (fs::exists(folder + "/" + file.name, error)) continue;
    return make_error(Code::NotFound, "{}: {} is missing in {}; import the model again",
                      artifact.name, file.name, folder);
  }
  return folder;
}

std::string Store::folder_of(const std::string& digest, const std::string& name) const {
  return root_ + "/folders/" + digest + "/" + name;
}

Result<Added> Store::add(const NewArtifact& wanted, const Watch& watch) {
  VERGE_RETURN_IF_ERROR(check_name(wanted.name));
  VERGE_CHECK(!wanted.files.empty(), wanted.name);
  VERGE_TRY(const int64_t bytes, bytes_of(wanted));
  VERGE_RETURN_IF_ERROR(create());
  VERGE_TRY(const auto early, lookup(wanted.kind, wanted.name));
  if (early && early->bytes != bytes) return taken(wanted.name);
  Artifact artifact{wanted.kind, wanted.name, "", 0, 0, wanted.facts, {}, wanted.origins};
  Meter meter(watch, bytes);
  std::vector<StagedBlob> staged;
  for (const auto& [name, path] : wanted.files) {
    VERGE_TRY(StagedBlob blob, blobs_.stage(path, wanted.how, meter));
    artifact.files.push_back({name, blob.blob()});
    artifact.bytes += blob.blob().bytes;
    staged.push_back(std::move(blob));
  }
  std::ranges::sort(artifact.files, {}, &StoredFile::name);
  artifact.digest = digest_of(artifact.files);
  return commit(artifact, staged);
}

Result<Added> Store::commit(const Artifact& artifact, std::vector<StagedBlob>& staged) {
  VERGE_TRY(Transaction change, Transaction::begin(*database_));
  VERGE_TRY(auto before, lookup(artifact.kind, artifact.name));
  if (before && before->digest != artifact.digest) return taken(artifact.name);
  for (StagedBlob& blob : staged) VERGE_RETURN_IF_ERROR(blob.place());
  if (is_folder(artifact)) VERGE_RETURN_IF_ERROR(make_folder(artifact));
  if (before) return Added{std::move(*before), true};
  VERGE_RETURN_IF_ERROR(record(artifact));
  VERGE_RETURN_IF_ERROR(change.commit());
  (void)sweep();  // the next one takes what this leaves
  VERGE_TRY(Artifact added, find(artifact.kind, artifact.name));
  return Added{std::move(added), false};
}

Status Store::record(const Artifact& artifact) {
  VERGE_TRY(Statement insert,
            database_->prepare("INSERT INTO artifact (kind, name, digest, bytes, facts) "
                               "VALUES (?, ?, ?, ?, ?) RETURNING id"));
  insert.bind(artifact.kind).bind(artifact.name).bind(artifact.digest);
  insert.bind(artifact.bytes).bind(artifact.facts);
  VERGE_TRY(const bool row, insert.step());
  VERGE_CHECK(row, artifact.name);
  const int64_t id = insert.number(0);
  VERGE_RETURN_IF_ERROR(insert.run());
  for (const StoredFile& file : artifact.files) {
    VERGE_TRY(Statement statement, database_->prepare("INSERT INTO file VALUES (?, ?, ?, ?)"));
    statement.bind(id).bind(file.name).bind(file.blob.digest).bind(file.blob.bytes);
    VERGE_RETURN_IF_ERROR(statement.run());
  }
  for (const Origin& origin : artifact.origins) {
    VERGE_TRY(Statement statement, database_->prepare("INSERT INTO lineage VALUES (?, ?, ?)"));
    VERGE_RETURN_IF_ERROR(statement.bind(id).bind(origin.relation).bind(origin.source).run());
  }
  return {};
}

// Links to the blobs. Under the write lock, like place(): what a killed process left is completed.
Status Store::make_folder(const Artifact& artifact) const {
  const fs::path folder = folder_of(artifact.digest, artifact.name);
  std::error_code error;
  fs::create_directories(folder, error);
  for (const StoredFile& file : artifact.files) {
    if (error) break;
    const std::string& digest = file.blob.digest;
    fs::create_symlink("../../../objects/" + digest.substr(0, 2) + "/" + digest.substr(2),
                       folder / file.name, error);
    if (error == std::errc::file_exists) error.clear();
  }
  if (error) return system_error(folder, "write", error.value());
  for (const fs::path& made : {folder, folder.parent_path(), folder.parent_path().parent_path()}) {
    sync_folder(made);
  }
  return {};
}

// The name goes first: a process killed between leaves files without a name, which the next sweep
// takes, never a name without files.
Result<int64_t> Store::remove(const std::string& kind, const std::string& name) {
  const Result<Artifact> artifact = find(kind, name);
  const bool damaged = !artifact && artifact.error().code == Code::Malformed;
  if (!artifact && !damaged) return artifact.error();
  VERGE_TRY(Statement statement,
            database_->prepare("DELETE FROM artifact WHERE kind = ? AND name = ?"));
  VERGE_RETURN_IF_ERROR(statement.bind(kind).bind(name).run());
  // A damaged entry may name any folder.
  if (!damaged) VERGE_RETURN_IF_ERROR(remove_folder(*artifact));
  return sweep();
}

// Under the write lock, and not where another process has added the same again meanwhile.
Status Store::remove_folder(const Artifact& artifact) {
  VERGE_TRY(Transaction lock, Transaction::begin(*database_));
  VERGE_TRY(const auto again, lookup(artifact.kind, artifact.name));
  if (again) return {};
  std::error_code error;
  fs::remove_all(folder_of(artifact.digest, artifact.name), error);
  fs::remove(root_ + "/folders/" + artifact.digest, error);  // if now empty
  return {};
}

Result<int64_t> Store::sweep() {
  VERGE_TRY(Transaction lock, Transaction::begin(*database_));
  std::set<std::string> live;
  VERGE_TRY(Statement files, database_->prepare("SELECT DISTINCT digest FROM file"));
  for (;;) {
    VERGE_TRY(const bool row, files.step());
    if (!row) return blobs_.sweep(live);
    live.insert(files.text(0));
  }
}

Status Store::verify(const Artifact& artifact, const Watch& watch) const {
  Meter meter(watch, artifact.bytes);
  for (const StoredFile& file : artifact.files) {
    const Status status = blobs_.check(file.blob, meter);
    if (!status) return Error{status.error().code, artifact.name + ": " + status.error().message};
  }
  return {};
}

Status Store::copy_to(const std::string& target, const Artifact& artifact,
                      const Watch& watch) const {
  Meter meter(watch, artifact.bytes);
  if (!is_folder(artifact)) return blobs_.copy_to(target, artifact.files.front().blob, meter);
  VERGE_TRY(AtomicFolder folder, AtomicFolder::create(target));
  for (const StoredFile& file : artifact.files) {
    VERGE_RETURN_IF_ERROR(blobs_.copy_to(folder.path() + "/" + file.name, file.blob, meter));
  }
  return folder.commit();
}

}  // namespace verge::store
