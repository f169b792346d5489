#include <algorithm>
#include <filesystem>

#include <verge/cli/interrupt.hpp>
#include <verge/cli/known_contributions.hpp>
#include <verge/cli/progress.hpp>
#include <verge/cli/user_folder.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/file.hpp>
#include <verge/stages/fit/scheme_search/search_scheme.hpp>
#include <verge/stages/fit/tune/scheme_choice.hpp>

namespace verge::cli {
namespace {

bool is_of_a_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

constexpr size_t kMostAnalysisBytes = 64 << 20;  // of an analysis
// Contributions add up, so a small population finds what a large one does.
constexpr fit::EvolutionOptions kEvolution{.population = 32, .generations = 20, .elite = 8};

struct Found {
  std::optional<ChosenScheme> chosen = {};
  std::string why_not = {};
};

Result<Found> search(const fit::BaseModel& base, const std::string& family,
                     const fit::PlanOptions& options, ThreadPool& pool, Context& context) {
  const std::string path = contributions_path(base.hash, family);
  if (path.empty() || options.shape.squared_error) {
    return Found{.why_not = "contributions are of cross-entropy, and of users with a cache"};
  }
  const SystemClock clock;
  Progress progress(context, clock);
  const auto show = [&](const fit::SearchProgress& now) {
    progress.show(fmt::format("scheme {}/{} | best {:.4f}", now.done, now.all, now.best));
  };
  const fit::SearchOptions known{.plan = options, .evolution = kEvolution, .cache = path};
  const auto found = fit::search_known(base, known, pool, show, &catch_interrupts());
  if (!found) {
    return Found{.why_not = fmt::format("what was measured for the family {} is of no use: {}",
                                        family, found.error().message)};
  }
  if (!*found) {
    return Found{.why_not = fmt::format(
                     "nothing is measured for this model and the family {}, see `verge fit scheme`",
                     family)};
  }
  const fit::SearchResult& best = **found;
  if (!best.finished) return make_error(Code::Cancelled, "stopped in the search of a scheme");
  VERGE_TRY(fit::TrainingPlan plan, fit::compile_training(base, best.scheme, options, pool.size()));
  return Found{.chosen = ChosenScheme{
                   std::move(plan),
                   fmt::format("contributions measured for the family {} ({}): {}; {:.4f}, the "
                               "head alone {:.4f}",
                               family, path, best.by, best.predicted, best.head_score)}};
}

}  // namespace

Status check_family(std::string_view family) {
  if (!family.empty() && std::ranges::all_of(family, is_of_a_word)) return {};
  return make_error(Code::InvalidArgument,
                    "--family \"{}\": give a word of letters, digits, - and _", family);
}

std::string contributions_path(std::string_view model_hash, std::string_view family) {
  const std::string folder = user_folder("XDG_CACHE_HOME", ".cache");
  if (folder.empty()) return "";
  return fmt::format("{}/contributions/{}-{}.json", folder, model_hash, family);
}

std::string keep_contributions(const std::string& analysis, std::string_view model_hash,
                               std::string_view family) {
  const std::string path = contributions_path(model_hash, family);
  if (path.empty()) return "";
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  const Result<std::string> content = read_whole_file(analysis, kMostAnalysisBytes);
  if (!content) return "";
  const Result<std::string> kept = read_whole_file(path, kMostAnalysisBytes);
  return write_whole_file(path, kept ? fit::with_rankings_of(*kept, *content) : *content) ? path
                                                                                          : "";
}

Result<ChosenScheme> choose_scheme(const fit::BaseModel& base, const std::string& scheme,
                                   const std::string& family, const fit::PlanOptions& options,
                                   ThreadPool& pool, Context& context) {
  const bool is_searched = scheme == "auto" && options.memory_bytes > 0;
  std::string reason = scheme == "auto" ? "everything, as there is no --memory" : "";
  if (is_searched) {
    VERGE_TRY(Found found, search(base, family, options, pool, context));
    if (found.chosen) return std::move(*found.chosen);
    reason = fmt::format("most parameters below --memory; {}", found.why_not);
  }
  VERGE_TRY(fit::TrainingPlan plan, fit::compile_chosen(base, scheme, options, pool.size()));
  return ChosenScheme{std::move(plan), std::move(reason)};
}

}  // namespace verge::cli
