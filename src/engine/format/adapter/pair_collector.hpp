#pragma once
// PairCollector: joins the halves of an adapter's pairs, which files hold one by one.

#include <map>
#include <optional>
#include <string>

#include <verge/engine/format/adapter/adapter_file.hpp>

namespace verge::format {

class PairCollector {
 public:
  /// `path` names the file in errors.
  explicit PairCollector(std::string path) : path_(std::move(path)) {}

  /// Adds one half of the pair of `weight`. Fails with Malformed when it is there already.
  Status add(const std::string& weight, bool is_a, StoredTensor tensor);
  /// All pairs, of scale 1, sorted by weight. Fails with Malformed for one without its other half.
  Result<std::vector<AdapterPair>> finish();

 private:
  struct Halves {
    std::optional<StoredTensor> a, b;
  };

  std::string path_;
  std::map<std::string, Halves> halves_;
};

}  // namespace verge::format
