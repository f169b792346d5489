#pragma once
// UnchangedFile: a mapped file's ranges, read past the page cache for as long as it is the file
// that was mapped. Weights that are read again and again must not become another model's.

#include <memory>

#include <verge/core/direct_file.hpp>
#include <verge/core/file.hpp>

namespace verge::model {

/// Opens it anew. Fails with Conflict where another file has taken its name since it was mapped,
/// and as DirectFile::open. A file that takes its name later changes nothing; reads fail with Io
/// once the file itself has been written to.
Result<std::shared_ptr<const RangeReader>> open_unchanged(const MappedFile& mapped);

}  // namespace verge::model
