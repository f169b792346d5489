#pragma once
// llama.cpp's speed and memory on one model, as one JSON object.

#include <nlohmann/json.hpp>

#include "options.hpp"

/// bench MODEL --prompt-tokens P --gen-tokens G --threads T --repeat R. The first run counts
/// towards the time to the first token only; rates are medians of R runs after it. Decoding goes on
/// from the prompt's end, as in use.
nlohmann::json bench(const Options& options, int64_t exec_ns);
