#include <algorithm>
#include <cmath>
#include <ctime>
#include <span>

#include <verge/core/checksum.hpp>
#include <verge/engine/text/utf8.hpp>
#include <verge/stages/serve/api/answer_facts.hpp>

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no -infinity; OpenAI writes -9999 for what cannot happen.
double finite(float logprob) {
  return std::isfinite(logprob) ? static_cast<double>(logprob) : -9999.0;
}

Json token_json(const text::Tokenizer& tokenizer, const text::TokenLogprob& entry) {
  const std::string_view piece = tokenizer.piece(entry.token);
  Json bytes = Json::array();
  for (const char byte : piece) bytes.push_back(static_cast<uint8_t>(byte));
  return {{"token", text::repaired_utf8(piece)},
          {"logprob", finite(entry.logprob)},
          {"bytes", std::move(bytes)}};
}

double per_second(double count, double seconds) {
  return seconds > 0 ? count / seconds : 0;
}

}  // namespace

std::string_view finish_reason(const Choice& choice) {
  if (!choice.calls.empty()) return "tool_calls";
  const bool cut =
      choice.reason == StopReason::MaxTokens || choice.reason == StopReason::ContextFull;
  return cut ? "length" : "stop";
}

std::string_view length_limit(const Choice& choice) {
  if (finish_reason(choice) != "length") return {};
  const bool is_context = choice.reason == StopReason::ContextFull;
  switch (is_context ? LengthLimit::Context : choice.length_limit) {
    case LengthLimit::MaxTokens:
      return "max_tokens";
    case LengthLimit::Context:
      return "context";
    case LengthLimit::Quota:
      return "quota";
  }
  return {};
}

void add_finish(Json& json, const Choice& choice) {
  json["finish_reason"] = finish_reason(choice);
  const std::string_view limit = length_limit(choice);
  if (!limit.empty()) json["length_limit"] = limit;
}

void add_origins(Json& json, const std::vector<TokenOrigin>& origins) {
  if (origins.empty()) return;
  Json places = Json::array(), reasons = Json::array();
  for (const TokenOrigin& origin : origins) {
    places.push_back(origin.place);
    reasons.push_back(origin.reason);
  }
  json["verge"] = {{"places", std::move(places)}, {"reasons", std::move(reasons)}};
}

void add_places(Json& json, const Usage& usage) {
  for (const auto& [place, count] : usage.places) json["verge"][std::string(place)] = count;
}

std::string call_id(const AnswerMeta& meta, size_t choice, size_t number) {
  const std::string id = fmt::format("call_{}_{}_{}", meta.id, choice, number);
  if (!meta.short_call_ids) return id;
  constexpr std::string_view kDigits =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  uint64_t hash = checksum(std::as_bytes(std::span(id)));
  std::string text;
  for (int i = 0; i < 9; ++i, hash /= kDigits.size()) text += kDigits[hash % kDigits.size()];
  return text;
}

Usage total_usage(const Answers& answers) {
  Usage total;
  for (size_t i = 0; i < answers.choices.size(); ++i) {
    const Usage& usage = answers.choices[i].usage;
    total.answer_tokens += usage.answer_tokens;
    total.draft_tokens += usage.draft_tokens;
    total.accepted_tokens += usage.accepted_tokens;
    for (const auto& [place, count] : usage.places) total.places[place] += count;
    if (i % std::max<size_t>(answers.choices_per_prompt, 1) != 0) continue;
    total.prompt_tokens += usage.prompt_tokens;
    total.cached_tokens += usage.cached_tokens;
  }
  return total;
}

Json usage_json(const Usage& usage) {
  Json json = {{"prompt_tokens", usage.prompt_tokens},
               {"completion_tokens", usage.answer_tokens},
               {"total_tokens", usage.prompt_tokens + usage.answer_tokens},
               {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}},
               {"completion_tokens_details",
                {{"accepted_prediction_tokens", usage.accepted_tokens},
                 {"rejected_prediction_tokens", usage.draft_tokens - usage.accepted_tokens}}}};
  add_places(json, usage);
  return json;
}

Json timings_json(const Choice& choice) {
  const Usage& usage = choice.usage;
  const Timings& timings = choice.timings;
  const auto computed = static_cast<double>(usage.prompt_tokens - usage.cached_tokens);
  const double decoded = std::max(static_cast<double>(usage.answer_tokens) - 1, 0.0);
  return {{"queued_ms", timings.queued_s * 1e3},
          {"ttft_ms", timings.time_to_first_token_s * 1e3},
          {"cache_n", usage.cached_tokens},
          {"prompt_n", usage.prompt_tokens - usage.cached_tokens},
          {"prompt_ms", timings.prefill_s * 1e3},
          {"prompt_per_second", per_second(computed, timings.prefill_s)},
          {"predicted_n", usage.answer_tokens},
          {"predicted_ms", timings.decode_s * 1e3},
          {"predicted_per_second", per_second(decoded, timings.decode_s)}};
}

Json chat_logprobs(const text::Tokenizer& tokenizer, const std::vector<TokenLogprobs>& logprobs) {
  Json content = Json::array();
  for (const TokenLogprobs& entry : logprobs) {
    Json token = token_json(tokenizer, entry.chosen);
    Json& top = token["top_logprobs"] = Json::array();
    for (const text::TokenLogprob& other : entry.top) top.push_back(token_json(tokenizer, other));
    content.push_back(std::move(token));
  }
  return content;
}

int64_t characters_of(std::string_view utf8) {
  return std::ranges::count_if(utf8, [](char byte) { return (byte & 0xC0) != 0x80; });
}

Json completion_logprobs(const text::Tokenizer& tokenizer,
                         const std::vector<TokenLogprobs>& logprobs, int64_t& offset) {
  Json tokens = Json::array(), values = Json::array(), tops = Json::array(),
       offsets = Json::array();
  for (const TokenLogprobs& entry : logprobs) {
    const std::string_view piece = tokenizer.piece(entry.chosen.token);
    tokens.push_back(text::repaired_utf8(piece));
    values.push_back(finite(entry.chosen.logprob));
    Json top = Json::object();
    for (const text::TokenLogprob& other : entry.top) {
      top[text::repaired_utf8(tokenizer.piece(other.token))] = finite(other.logprob);
    }
    tops.push_back(std::move(top));
    offsets.push_back(offset);
    offset += characters_of(piece);
  }
  return {{"tokens", std::move(tokens)},
          {"token_logprobs", std::move(values)},
          {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

Json prompt_logprobs(const text::Tokenizer& tokenizer, int32_t first,
                     const std::vector<TokenLogprobs>& others, int64_t& offset) {
  const std::string_view piece = tokenizer.piece(first);
  Json json = {{"tokens", {text::repaired_utf8(piece)}},
               {"token_logprobs", {nullptr}},
               {"top_logprobs", {nullptr}},
               {"text_offset", {offset}}};
  if (!tokenizer.is_special(first)) offset += characters_of(piece);
  const Json rest = completion_logprobs(tokenizer, others, offset);
  for (auto& [name, list] : json.items()) {
    for (const Json& value : rest[name]) list.push_back(value);
  }
  return json;
}

std::string rfc3339(int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string event_of(const Json& json) {
  return "data: " + line_of(json) + "\n\n";
}

}  // namespace verge::serve::api
