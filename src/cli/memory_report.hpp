#pragma once
// What commands say of a model below a memory ceiling: what stays, what is streamed, what it costs.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include <verge/engine/model/language_model.hpp>
#include <verge/engine/runtime/residency.hpp>

namespace verge::cli {

/// "96 MiB of weights stay, 312.5 MiB are streamed each run through a window of 16 MiB".
std::string show_residency(const runtime::Residency& residency);

/// The same with what the storage gave so far: a line, empty where nothing is streamed.
std::string stream_summary(const model::LanguageModel& model);

/// Adds "stream" where something is.
void add_stream(const model::LanguageModel& model, nlohmann::ordered_json& json);

/// pinned_bytes, streamed_bytes, window_bytes, streamed_weights.
nlohmann::ordered_json residency_json(const runtime::Residency& residency);

}  // namespace verge::cli
