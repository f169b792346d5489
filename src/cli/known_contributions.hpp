#pragma once
// What `fit scheme` measured of a model, kept for `compile --train --scheme auto`: one file for
// each model, by the hash of its weights, and family of tasks, in the user's cache.

#include <string>
#include <string_view>

#include <verge/cli/command.hpp>
#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::cli {

inline constexpr const char* kAnyFamily = "any";

/// Fails with InvalidArgument for what is no word of letters, digits, '-' and '_'.
Status check_family(std::string_view family);

/// Empty where the user has no cache.
std::string contributions_path(std::string_view model_hash, std::string_view family);

/// Copies a finished analysis there, which keeps what was compared below other limits by the same
/// one; returns the path, empty where it cannot be written: the scheme
/// that was searched does not need it.
std::string keep_contributions(const std::string& analysis, std::string_view model_hash,
                               std::string_view family);

struct ChosenScheme {
  fit::TrainingPlan plan;
  std::string reason = {};  // of "auto": what it is chosen by; empty for another scheme
};

/// fit::compile_chosen, but for "auto" below a budget: where contributions of cross-entropy are
/// known for the model and the family, and can be used, the scheme that they promise most for.
/// Fails as compile_chosen, and with Cancelled where the user stops the search.
Result<ChosenScheme> choose_scheme(const fit::BaseModel& base, const std::string& scheme,
                                   const std::string& family, const fit::PlanOptions& options,
                                   ThreadPool& pool, Context& context);

}  // namespace verge::cli
