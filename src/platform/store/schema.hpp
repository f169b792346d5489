#pragma once
// The tables of a store: who is what, made of which files, come from where.

#include <verge/platform/store/database.hpp>

namespace verge::store {

/// Makes the tables where there are none. Unsupported for tables of a newer Verge.
Status apply_schema(const Database& database);

/// Unsupported as above; false where there are no tables yet.
Result<bool> has_schema(const Database& database);

}  // namespace verge::store
