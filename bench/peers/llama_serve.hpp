#pragma once

#include <nlohmann/json.hpp>

#include "options.hpp"

/// Many requests at once by continuous batching, as llama.cpp's own server does it: each step takes
/// one token of every answer under way, then prompt tokens in order of arrival, up to a batch. A
/// slot holds one request; prompts are not cached between requests. The workload is bench/serve's.
nlohmann::json serve(const Options& options);
