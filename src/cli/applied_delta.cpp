#include <algorithm>
#include <filesystem>
#include <map>

#include <fmt/ranges.h>

#include <verge/cli/applied_delta.hpp>
#include <verge/cli/delta_report.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/serve_options.hpp>
#include <verge/cli/user_folder.hpp>
#include <verge/core/clock.hpp>
#include <verge/engine/model/model_delta.hpp>

namespace verge::cli {
namespace {

namespace fs = std::filesystem;

Status leave_to_owner(const fs::path& path, fs::perms rights) {
  std::error_code error;
  fs::permissions(path, rights, error);
  if (!error) return {};
  return make_error(Code::Io, "{}: {}", path.string(), error.message());
}

Result<AtomicFolder> make_folder() {
  std::error_code error;
  fs::path folder = user_folder("XDG_CACHE_HOME", ".cache");
  if (folder.empty()) {
    return make_error(Code::Io,
                      "--delta writes the tuned model to the user's cache, which is not known; set "
                      "XDG_CACHE_HOME or HOME");
  }
  folder /= "deltas";
  fs::create_directories(folder, error);
  if (error) {
    return make_error(Code::Io, "{}: {}; --delta writes the tuned model there, set XDG_CACHE_HOME",
                      folder.string(), error.message());
  }
  VERGE_TRY(AtomicFolder made, AtomicFolder::create((folder / "applied").string()));
  VERGE_RETURN_IF_ERROR(leave_to_owner(made.path(), fs::perms::owner_all));
  return made;
}

// What says how pictures are read (serve/vision) lies beside a network.
Status link_settings(const fs::path& base, const fs::path& folder) {
  const fs::path settings = fs::path(base).replace_extension(".toml");
  std::error_code error;
  if (!fs::exists(settings, error)) return {};
  fs::path target = fs::absolute(settings, error);
  if (fs::is_symlink(target, error)) target = fs::canonical(target, error);  // its folder may go
  fs::create_symlink(target, folder / settings.filename(), error);
  if (!error) return {};
  return make_error(Code::Io, "{}: cannot be linked beside the tuned model in {}: {}",
                    settings.string(), folder.string(), error.message());
}

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

struct DeltaOf {
  std::string file = {};
  size_t model = 0;
};

// A file whose own name has an = wins.
Result<DeltaOf> delta_of(const std::string& text, const std::vector<std::string>& names) {
  const size_t equals = text.find('=');
  std::error_code error;
  if (equals == std::string::npos || fs::exists(text, error)) return DeltaOf{text, 0};
  const std::string name = text.substr(0, equals);
  const auto at = std::ranges::find(names, name);
  if (at != names.end()) {
    return DeltaOf{text.substr(equals + 1), static_cast<size_t>(at - names.begin())};
  }
  return make_error(Code::NotFound, "--delta {}: no model {} is served; there are {}", text, name,
                    fmt::join(names, ", "));
}

}  // namespace

Result<AppliedDelta> AppliedDelta::make(const std::string& base, const std::string& delta,
                                        Context& context, const std::string& shown) {
  VERGE_TRY(AtomicFolder folder, make_folder());
  AppliedDelta applied(std::move(folder));
  const fs::path inside = applied.folder_.path();
  applied.path_ = (inside / fs::path(base).filename()).string();
  applied.shown_ = fmt::format("{} with {}", shown.empty() ? base : shown, delta);
  const SystemClock clock;
  Progress progress(context, clock);
  const FormerSignalHandlers former;
  const runtime::DeltaWatch watch = delta_watch(progress, clock);
  const auto done = model::apply_delta_to_file(base, delta, applied.path_, watch);
  progress.clear();
  if (!done) {
    Error error = applied.in_terms_of_base(done.error());
    if (!shown.empty()) replace_all(error.message, base, shown);
    return error;
  }
  if (watch.cancel->load()) return make_error(Code::Cancelled, "{}: stopped", applied.shown_);
  VERGE_RETURN_IF_ERROR(
      leave_to_owner(applied.path_, fs::perms::owner_read | fs::perms::owner_write));
  VERGE_RETURN_IF_ERROR(link_settings(base, inside));
  return applied;
}

Error AppliedDelta::in_terms_of_base(Error error) const {
  replace_all(error.message, path_, shown_);
  return error;
}

Result<std::vector<AppliedDelta>> apply_deltas(const std::vector<std::string>& deltas,
                                               std::vector<std::string>& models, Context& context) {
  std::map<size_t, AppliedDelta> applied;  // by model
  if (deltas.empty()) return std::vector<AppliedDelta>();
  if (models.empty()) {
    return make_error(Code::InvalidArgument, "--delta {}: name the model that it is for",
                      deltas[0]);
  }
  std::vector<std::string> names, paths, shown;
  for (const std::string& argument : models) {
    VERGE_TRY(const serve::ServedModel model, served_model(argument, {}));
    if (std::ranges::find(names, model.name) != names.end()) {
      return make_error(Code::InvalidArgument,
                        "two models are named {}; name one otherwise: NAME={}", model.name,
                        argument);
    }
    names.push_back(model.name);
    paths.push_back(model.path);
  }
  shown = paths;
  for (const std::string& text : deltas) {
    VERGE_TRY(const DeltaOf delta, delta_of(text, names));
    VERGE_TRY(AppliedDelta tuned,
              AppliedDelta::make(paths[delta.model], delta.file, context, shown[delta.model]));
    paths[delta.model] = tuned.path();  // one delta after another
    shown[delta.model] = tuned.shown();
    models[delta.model] = fmt::format("{}={}", names[delta.model], tuned.path());
    applied.insert_or_assign(delta.model, std::move(tuned));
  }
  std::vector<AppliedDelta> last;
  for (auto& [model, tuned] : applied) last.push_back(std::move(tuned));
  return last;
}

}  // namespace verge::cli
