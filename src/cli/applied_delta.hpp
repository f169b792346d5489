#pragma once
// --delta of `verge run` and `verge serve`: the tuned model of a base and a delta, for as long as
// the command runs.
//
// It is a file: everything that reads models can read it, page by page, and its pages can leave
// memory. The base is only read. The file lies in the user's cache, for its owner alone, and goes
// with the object; that of a process that was killed goes with the next one.

#include <string>
#include <vector>

#include <verge/cli/command.hpp>
#include <verge/cli/parser.hpp>
#include <verge/core/atomic_folder.hpp>

namespace verge::cli {

/// Of the option's help.
inline constexpr const char* kDeltaCost =
    "written for this run as a file of the model's size in the user's cache, read like any model; "
    "the model itself stays as it is";

class AppliedDelta {
 public:
  /// `base` is a path. Fails as model::apply_delta_to_file does: with Conflict for another base,
  /// naming both hashes; with Cancelled after an interrupt, which afterwards does again what it did
  /// before; with Io where the user has no cache folder.
  /// `shown`: what messages call the base; empty: its path.
  static Result<AppliedDelta> make(const std::string& base, const std::string& delta,
                                   Context& context, const std::string& shown = {});

  /// The tuned file, under the base's own name; settings of pictures that lie beside the base lie
  /// beside it.
  const std::string& path() const { return path_; }
  /// "BASE with DELTA".
  const std::string& shown() const { return shown_; }
  /// An error of what was done with the file says that instead of its path.
  Error in_terms_of_base(Error error) const;

 private:
  explicit AppliedDelta(AtomicFolder folder) : folder_(std::move(folder)) {}

  AtomicFolder folder_;  // never committed: removed at the end
  std::string path_;
  std::string shown_;
};

/// Of `models`, as `verge serve` takes them, those that a delta is for become NAME=TUNED; what is
/// returned must outlive their use. Of several deltas of a model each is applied to what the former
/// made, which goes. A delta is "NAME=FILE", or "FILE" for the first model. Fails as
/// AppliedDelta::make, with NotFound for the name of another model, and with InvalidArgument for
/// two models of one name.
Result<std::vector<AppliedDelta>> apply_deltas(const std::vector<std::string>& deltas,
                                               std::vector<std::string>& models, Context& context);

}  // namespace verge::cli
