#include <charconv>
#include <cmath>
#include <limits>

#include <verge/stages/serve/api/foreign_fields.hpp>
#include <verge/stages/serve/api/sampling_fields.hpp>

namespace verge::serve::api {
namespace {

constexpr size_t kMostBiases = 1024;

void take(Fields& fields, const char* name, float& value, double low, double high) {
  value = static_cast<float>(fields.number(name, value, low, high));
}

// 0 keeps the likeliest token alone, as the smallest share does.
void take_share(Fields& fields, const char* name, float& value) {
  take(fields, name, value, 0, 1);
  value = std::max(value, 1e-6f);
}

std::optional<int32_t> token_id(const std::string& text) {
  int32_t id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0) return std::nullopt;
  return id;
}

// {"token id": -100..100}; the ends forbid a token or leave nothing else, as OpenAI says.
void read_logit_bias(Fields& fields, GenerationRequest& request) {
  const Json* map = fields.object("logit_bias");
  if (map == nullptr) return;
  if (map->size() > kMostBiases) {
    fields.wrong("logit_bias", fmt::format("logit_bias has {} tokens; give at most {}", map->size(),
                                           kMostBiases));
    return;
  }
  Fields entries(*map, fields.path_of("logit_bias"), fields.problem());
  for (const auto& [name, value] : map->items()) {
    const auto token = token_id(name);
    if (!token) {
      entries.wrong(name, "the keys of logit_bias are token ids; POST /verge/tokenize gives them");
      return;
    }
    const double bias = entries.number(name, 0, -100, 100);
    request.sampling.logit_bias.push_back({*token, bias <= -100
                                                       ? -std::numeric_limits<float>::infinity()
                                                       : static_cast<float>(bias)});
  }
}

// -1 is "a new one each time" for Ollama's and llama.cpp's users.
std::optional<uint64_t> read_seed(Fields& fields) {
  if (!fields.has("seed")) return std::nullopt;
  constexpr int64_t kLow = std::numeric_limits<int64_t>::min();
  constexpr int64_t kHigh = std::numeric_limits<int64_t>::max();
  const int64_t seed = fields.integer("seed", 0, kLow, kHigh);
  if (seed == -1) return std::nullopt;
  return static_cast<uint64_t>(seed);
}

// What ends an answer.
void read_ends(Fields& fields, GenerationRequest& request) {
  request.stop = read_stops(fields, "stop");
  request.ignore_end = fields.boolean("ignore_eos", false);
  request.include_stop = fields.boolean("include_stop_str_in_output", false);
  const Json* tokens = fields.array("stop_token_ids");
  if (tokens == nullptr) return;
  if (tokens->size() > kMostStopTokens) {
    fields.wrong("stop_token_ids", fmt::format("stop_token_ids has {} tokens; give at most {}",
                                               tokens->size(), kMostStopTokens));
    return;
  }
  for (const Json& token : *tokens) {
    if (!token.is_number_integer() || token < 0 || token > INT32_MAX) {
      fields.wrong("stop_token_ids",
                   fmt::format("stop_token_ids holds {}, which is no token id", token.dump()));
      return;
    }
    request.stop_tokens.push_back(token.get<int32_t>());
  }
}

void read_extensions(Fields& fields, text::SamplerOptions& sampling) {
  sampling.top_k = static_cast<int32_t>(fields.integer("top_k", 0, -1, 1 << 30));
  sampling.top_k = std::max(sampling.top_k, 0);  // -1 is "off" for vLLM's clients
  take(fields, "min_p", sampling.min_p, 0, 1);
  take_share(fields, "typical_p", sampling.typical_p);
  take(fields, "repetition_penalty", sampling.repetition_penalty, 0.05, 100);
  take(fields, "repeat_penalty", sampling.repetition_penalty, 0.05, 100);
  sampling.penalty_window =
      static_cast<int32_t>(fields.integer("repeat_last_n", sampling.penalty_window, -1, 1 << 30));
  take(fields, "mirostat_tau", sampling.mirostat_tau, 0, 100);
  take(fields, "mirostat_eta", sampling.mirostat_eta, 1e-4, 1);
}

}  // namespace

std::vector<std::string> read_stops(Fields& fields, std::string_view name) {
  std::vector<std::string> stops = fields.texts(name, kMostStops);
  for (const std::string& stop : stops) {
    if (!stop.empty() && stop.size() <= kLongestStop) continue;
    fields.wrong(name, fmt::format("{} has a string of {} bytes; give 1 to {}",
                                   fields.path_of(name), stop.size(), kLongestStop));
    return {};
  }
  return stops;
}

void read_openai_sampling(Fields& fields, GenerationRequest& request) {
  text::SamplerOptions& sampling = request.sampling;
  sampling = {.temperature = 1, .top_k = 0, .top_p = 1, .min_p = 0, .penalty_window = -1};
  take(fields, "temperature", sampling.temperature, 0, 2);
  take_share(fields, "top_p", sampling.top_p);
  take(fields, "frequency_penalty", sampling.frequency_penalty, -2, 2);
  take(fields, "presence_penalty", sampling.presence_penalty, -2, 2);
  read_extensions(fields, sampling);
  read_logit_bias(fields, request);
  request.seed = read_seed(fields);
  read_ends(fields, request);
}

void read_ollama_options(Fields& options, GenerationRequest& request) {
  text::SamplerOptions& sampling = request.sampling;
  sampling = {.temperature = 0.8f,
              .top_k = 40,
              .top_p = 0.9f,
              .min_p = 0,
              .repetition_penalty = 1.1f,
              .penalty_window = 64};
  take(options, "temperature", sampling.temperature, 0, 100);
  sampling.top_k = static_cast<int32_t>(options.integer("top_k", sampling.top_k, 0, 1 << 30));
  take_share(options, "top_p", sampling.top_p);
  take(options, "min_p", sampling.min_p, 0, 1);
  take_share(options, "typical_p", sampling.typical_p);
  take(options, "repeat_penalty", sampling.repetition_penalty, 0.05, 100);
  request.is_default_penalty = !options.has("repeat_penalty");
  take(options, "frequency_penalty", sampling.frequency_penalty, -100, 100);
  take(options, "presence_penalty", sampling.presence_penalty, -100, 100);
  sampling.penalty_window =
      static_cast<int32_t>(options.integer("repeat_last_n", sampling.penalty_window, -1, 1 << 30));
  if (options.integer("mirostat", 0, 0, 2) > 0) sampling.mirostat_tau = 5;
  if (sampling.mirostat_tau > 0) take(options, "mirostat_tau", sampling.mirostat_tau, 0, 100);
  take(options, "mirostat_eta", sampling.mirostat_eta, 1e-4, 1);
  request.seed = read_seed(options);
  request.stop = read_stops(options, "stop");
  const int64_t most = options.integer("num_predict", -1, -2, kMostTokens);
  if (most >= 0) request.max_tokens = most;
  request.least_context = options.integer("num_ctx", 0, 0, kMostTokens);
  options.ignore({"mirostat_tau"});
  read_foreign_ollama_options(options);
}

}  // namespace verge::serve::api
