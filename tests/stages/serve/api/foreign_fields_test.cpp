#include <verge/stages/serve/api/foreign_fields.hpp>

#include "reading.hpp"

namespace verge::serve::api {
namespace {

TEST(ForeignFields, WhatChangesNothingIsTaken) {
  chat(R"("user":"u","store":true,"metadata":{"a":"b"},"service_tier":"flex","prediction":{},
          "cache_prompt":false,"id_slot":3,"n_keep":5,"priority":2)");
  chat(R"("modalities":["text"],"skip_special_tokens":true,"use_beam_search":false,"top_a":0,
          "typical":1.0,"n_probs":0,"samplers":[],"lora":[],"bad_words":null,"documents":[],
          "chat_template":"","xtc_probability":0.0,"top_n_sigma":-1,"t_max_predict_ms":-1)");
}

TEST(ForeignFields, WhatWouldChangeAnswersIsRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {{"modalities", R"(["text","audio"])"},
                                                       {"audio", R"({"voice":"v"})"},
                                                       {"web_search_options", R"({"a":1})"},
                                                       {"skip_special_tokens", "false"},
                                                       {"use_beam_search", "true"},
                                                       {"bad_words", R"(["a"])"},
                                                       {"allowed_token_ids", "[1]"},
                                                       {"continue_final_message", "true"},
                                                       {"truncate_prompt_tokens", "5"},
                                                       {"chat_template", R"("{{ x }}")"},
                                                       {"typical", "0.5"},
                                                       {"top_a", "0.1"},
                                                       {"samplers", R"(["top_k"])"},
                                                       {"dry_multiplier", "0.8"},
                                                       {"lora", R"([{"id":0,"scale":1}])"},
                                                       {"n_probs", "3"}};
  for (const auto& [name, value] : cases) {
    const Refused refused = chat_refusal(fmt::format("\"{}\":{}", name, value));
    EXPECT_EQ(refused.param, name);
    EXPECT_EQ(refused.code, "unsupported_value") << name;
  }
}

TEST(ForeignFields, OllamasAreSplitAlike) {
  const auto generate = [](const Json& body, Problem& problem) {
    OllamaExtras extras;
    return read_ollama_generate(body, extras, problem);
  };
  read_well(R"({"model":"m","prompt":"p","truncate":true,"shift":false,
                "options":{"num_gpu":1,"tfs_z":1.0,"penalize_newline":true}})",
            generate);
  EXPECT_EQ(read_badly(R"({"model":"m","prompt":"p","context":[1,2]})", generate).param, "context");
  EXPECT_EQ(read_badly(R"({"model":"m","prompt":"p","options":{"tfs_z":0.5}})", generate).param,
            "options.tfs_z");
}

}  // namespace
}  // namespace verge::serve::api
