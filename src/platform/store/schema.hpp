#pragma once
// The tables of a database: which version they have, and making them where there are none.

#include <string_view>

#include <verge/platform/store/database.hpp>

namespace verge::store {

/// Makes the tables of this version where there are none, at once or not at all. Unsupported for
/// tables of a newer Verge; `what` names them in the error.
Status apply_tables(const Database& database, std::string_view what, int64_t version,
                    const char* tables);

/// The same for the tables of a store (store.hpp).
Status apply_schema(const Database& database);

/// Unsupported as above; false where there are no tables yet.
Result<bool> has_schema(const Database& database);

}  // namespace verge::store
