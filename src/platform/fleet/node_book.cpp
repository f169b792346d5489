#include <array>

#include <verge/platform/fleet/node_book.hpp>
#include <verge/platform/store/schema.hpp>

namespace verge::fleet {
namespace {

using store::Statement;

constexpr const char* kTables = R"(
  CREATE TABLE IF NOT EXISTS node (
    name TEXT PRIMARY KEY,
    software TEXT NOT NULL,
    role TEXT NOT NULL,
    cores INTEGER NOT NULL,
    isa TEXT NOT NULL,
    memory_bytes INTEGER NOT NULL,
    read_mb_s INTEGER NOT NULL,
    f32_mflops INTEGER NOT NULL,
    bf16_mflops INTEGER NOT NULL,
    int8_mops INTEGER NOT NULL,
    address TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    seen_unix_s INTEGER NOT NULL,
    round_trip_us INTEGER,
    up_bytes_per_s INTEGER,
    down_bytes_per_s INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS activity (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    activity INTEGER NOT NULL
  ) STRICT;
  INSERT OR IGNORE INTO activity VALUES (1, 0);
  CREATE TABLE IF NOT EXISTS authority (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    address TEXT NOT NULL
  ) STRICT;
)";
constexpr int64_t kVersion = 2;  // 1 had no authority

constexpr const char* kUpsert = R"(
  INSERT INTO node VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, -1), nullif(?, -1), nullif(?, -1))
  ON CONFLICT (name) DO UPDATE SET
    software = excluded.software, role = excluded.role, cores = excluded.cores, isa = excluded.isa,
    memory_bytes = excluded.memory_bytes, read_mb_s = excluded.read_mb_s,
    f32_mflops = excluded.f32_mflops, bf16_mflops = excluded.bf16_mflops,
    int8_mops = excluded.int8_mops, fingerprint = excluded.fingerprint,
    seen_unix_s = excluded.seen_unix_s,
    address = iif(excluded.address = '', address, excluded.address),
    round_trip_us = coalesce(excluded.round_trip_us, round_trip_us),
    up_bytes_per_s = coalesce(excluded.up_bytes_per_s, up_bytes_per_s),
    down_bytes_per_s = coalesce(excluded.down_bytes_per_s, down_bytes_per_s))";

constexpr const char* kSelect = R"(
  SELECT name, software, role, cores, isa, memory_bytes, read_mb_s, f32_mflops, bf16_mflops, int8_mops,
    address, fingerprint, seen_unix_s, coalesce(round_trip_us, -1), coalesce(up_bytes_per_s, -1),
    coalesce(down_bytes_per_s, -1)
  FROM node ORDER BY name)";

int64_t thousandths(double value) {
  return static_cast<int64_t>(value * 1e3 + 0.5);
}

double from_thousandths(int64_t value) {
  return static_cast<double>(value) * 1e-3;
}

Result<KnownNode> read_row(const Statement& row) {
  const std::optional<Role> role = role_from_name(row.text(2));
  if (!role) {
    return make_error(Code::Malformed, "node {} has role {} in the node's records; forget it",
                      row.text(0), row.text(2));
  }
  KnownNode node{.capability = {.node = row.text(0),
                                .software = row.text(1),
                                .role = *role,
                                .cores = static_cast<int>(row.number(3)),
                                .isa = row.text(4),
                                .memory_bytes = row.number(5),
                                .read_gb_s = from_thousandths(row.number(6)),
                                .f32_gflops = from_thousandths(row.number(7)),
                                .bf16_gflops = from_thousandths(row.number(8)),
                                .int8_gops = from_thousandths(row.number(9))},
                 .address = row.text(10),
                 .fingerprint = row.text(11),
                 .seen_unix_s = row.number(12)};
  if (row.number(13) >= 0) {
    node.link = LinkReport{.round_trip_s = static_cast<double>(row.number(13)) * 1e-6,
                           .up_bytes_per_s = static_cast<double>(row.number(14)),
                           .down_bytes_per_s = static_cast<double>(row.number(15))};
  }
  return node;
}

}  // namespace

std::string_view name(Activity activity) {
  constexpr std::array<std::string_view, 3> kNames = {"running", "draining", "paused"};
  return kNames[static_cast<size_t>(activity)];
}

Result<NodeBook> NodeBook::open(const std::string& path) {
  VERGE_TRY(store::Database database, store::Database::open(path, store::Database::Mode::Create));
  VERGE_RETURN_IF_ERROR(store::apply_tables(database, path, kVersion, kTables));
  return NodeBook(std::move(database));
}

Status NodeBook::met(const KnownNode& node) {
  VERGE_TRY(Statement statement, database_.prepare(kUpsert));
  const Capability& can = node.capability;
  statement.bind(can.node).bind(can.software).bind(name(can.role)).bind(int64_t{can.cores});
  statement.bind(can.isa).bind(can.memory_bytes).bind(thousandths(can.read_gb_s));
  statement.bind(thousandths(can.f32_gflops)).bind(thousandths(can.bf16_gflops));
  statement.bind(thousandths(can.int8_gops)).bind(node.address).bind(node.fingerprint);
  statement.bind(node.seen_unix_s);
  statement.bind(node.link ? static_cast<int64_t>(node.link->round_trip_s * 1e6) : -1);
  statement.bind(node.link ? static_cast<int64_t>(node.link->up_bytes_per_s) : -1);
  statement.bind(node.link ? static_cast<int64_t>(node.link->down_bytes_per_s) : -1);
  return statement.run();
}

Result<std::vector<KnownNode>> NodeBook::nodes() const {
  VERGE_TRY(Statement rows, database_.prepare(kSelect));
  std::vector<KnownNode> nodes;
  for (;;) {
    VERGE_TRY(const bool is_row, rows.step());
    if (!is_row) return nodes;
    VERGE_TRY(nodes.emplace_back(), read_row(rows));
  }
}

Status NodeBook::forget(const std::string& node) {
  VERGE_TRY(Statement statement, database_.prepare("DELETE FROM node WHERE name = ? RETURNING 1"));
  VERGE_TRY(const bool was_known, statement.bind(node).step());
  if (was_known) return {};
  return make_error(Code::NotFound, "no node {}; `verge node list` shows those known", node);
}

Result<Activity> NodeBook::activity() const {
  VERGE_TRY(Statement row, database_.prepare("SELECT activity FROM activity"));
  VERGE_TRY(const bool is_there, row.step());
  const int64_t value = is_there ? row.number(0) : -1;
  if (value < 0 || value > 2) {
    return make_error(Code::Malformed, "the node's records say it does {}; remove the file", value);
  }
  return static_cast<Activity>(value);
}

Status NodeBook::set_activity(Activity activity) {
  VERGE_TRY(Statement statement, database_.prepare("UPDATE activity SET activity = ?"));
  return statement.bind(static_cast<int64_t>(activity)).run();
}

Result<std::string> NodeBook::authority() const {
  VERGE_TRY(Statement row, database_.prepare("SELECT address FROM authority"));
  VERGE_TRY(const bool is_there, row.step());
  return is_there ? row.text(0) : std::string();
}

Status NodeBook::set_authority(const std::string& address) {
  VERGE_TRY(Statement statement,
            database_.prepare("INSERT OR REPLACE INTO authority VALUES (1, ?)"));
  return statement.bind(address).run();
}

}  // namespace verge::fleet
