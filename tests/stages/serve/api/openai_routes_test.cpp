// OpenAI's routes over real sockets, with a real model.

#include <set>

#include <verge/stages/serve/api/json_body.hpp>

#include "serving.hpp"

namespace verge::serve::api {
namespace {

// One server for all: nothing here changes it.
Serving& serving() {
  static Serving* const server = new Serving;
  return *server;
}

std::string chat_body(const std::string& fields) {
  return R"({"model":"verge-lm","max_tokens":12,"temperature":0,
             "messages":[{"role":"user","content":"And God said"}])" +
         (fields.empty() ? "" : "," + fields) + "}";
}

std::string text_body(const std::string& fields) {
  return R"({"model":"verge-lm","max_tokens":12,"temperature":0,"prompt":"And God said")" +
         (fields.empty() ? "" : "," + fields) + "}";
}

std::string content(const Json& answer, size_t choice = 0) {
  return answer["choices"][choice]["message"]["content"];
}

TEST(OpenAiRoutes, PrefixesAreSharedWithinOneSalt) {
  const TokenIds prompt(100, 311);
  const auto cached = [&](const std::string& salt) -> int64_t {
    Json body = {{"model", "verge-lm"}, {"prompt", prompt}, {"max_tokens", 1}};
    if (!salt.empty()) body["cache_salt"] = salt;
    const Json answer = serving().good("/v1/completions", body.dump());
    return answer["usage"]["prompt_tokens_details"]["cached_tokens"];
  };
  EXPECT_EQ(cached("a"), 0);
  EXPECT_GE(cached("a"), 32);
  EXPECT_EQ(cached("b"), 0);
  EXPECT_EQ(cached(""), 0);
  EXPECT_GE(cached("b"), 32);
  EXPECT_GE(cached(""), 32);
}

TEST(OpenAiRoutes, ManyPromptsWithManyAnswersAreRefused) {
  const Json error = serving().bad(400, "/v1/completions",
                                   R"({"model":"verge-lm","prompt":["a","b","c"],"n":128})");
  EXPECT_EQ(error["param"], "n");
}

TEST(OpenAiRoutes, TextsThatCannotFitAreRefusedUntokenized) {
  const std::string text(2'000'000, 'a');
  for (const std::string& body :
       {R"({"model":"verge-lm","prompt":")" + text + "\"}",
        R"({"model":"verge-lm","messages":[{"role":"user","content":")" + text + "\"}]}"}) {
    const bool chat = body.find("messages") != std::string::npos;
    const Json error = serving().bad(400, chat ? "/v1/chat/completions" : "/v1/completions", body);
    EXPECT_EQ(error["code"], "context_length_exceeded");
    EXPECT_NE(std::string(error["message"]).find("bytes"), std::string::npos);
    if (!chat) continue;
    EXPECT_EQ(serving().bad(400, "/verge/tokenize", body)["code"], "context_length_exceeded");
  }
  const std::string plain = R"({"model":"verge-lm","text":")" + text + "\"}";
  EXPECT_EQ(serving().bad(400, "/verge/tokenize", plain)["param"], "text");
}

TEST(OpenAiRoutes, ListsModels) {
  const Json list = serving().get("/v1/models").json();
  EXPECT_EQ(list["object"], "list");
  EXPECT_EQ(list["data"][0]["id"], "verge-lm");
  EXPECT_EQ(list["data"][0]["context_length"], 256);
  EXPECT_EQ(serving().get("/v1/models/verge-lm").json()["object"], "model");
  const auto missing = serving().get("/v1/models/no/such");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.json()["error"]["code"], "model_not_found");
}

TEST(OpenAiRoutes, AChatAnswers) {
  const Json answer = serving().good("/v1/chat/completions", chat_body(""));
  EXPECT_FALSE(content(answer).empty());
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(answer["usage"]["completion_tokens"], 12);
  EXPECT_GT(answer["usage"]["prompt_tokens"], 4);
  EXPECT_GT(answer["timings"]["predicted_per_second"], 0);
}

// Over a server that guesses: the same answers, and what was guessed.
TEST(OpenAiRoutes, GuessesAreCountedInUsageMetricsAndLive) {
  ModelServerOptions options = serving_options();
  options.models[0].drafts.kind = DraftSource::Kind::Exits;
  options.models[0].load.max_outputs = 40;
  options.scheduler.always_draft = true;
  const Serving guessing(std::move(options));
  const std::string asked =
      R"({"model":"verge-lm","max_tokens":40,"temperature":0,"ignore_eos":true,
                               "messages":[{"role":"user","content":"And God said"}]})";
  const Json plain = serving().good("/v1/chat/completions", asked);
  const Json answer = guessing.good("/v1/chat/completions", asked);
  EXPECT_EQ(content(answer), content(plain));
  EXPECT_EQ(plain["usage"]["completion_tokens_details"]["accepted_prediction_tokens"], 0);
  const Json& details = answer["usage"]["completion_tokens_details"];
  const int accepted = details["accepted_prediction_tokens"];
  const int rejected = details["rejected_prediction_tokens"];
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, 40);
  Json tokens;
  EXPECT_TRUE(test::eventually([&] {
    tokens = guessing.get("/verge/live").json()["models"][0]["tokens"];
    return tokens["accepted"] == accepted;
  })) << tokens.dump();
  EXPECT_EQ(tokens["drafted"], accepted + rejected);
  const std::string metrics = guessing.get("/metrics").body;
  EXPECT_NE(
      metrics.find(fmt::format("verge_accepted_tokens_total{{model=\"verge-lm\"}} {}\n", accepted)),
      std::string::npos)
      << metrics;
}

TEST(OpenAiRoutes, AStreamSaysTheSame) {
  const std::string whole = content(serving().good("/v1/chat/completions", chat_body("")));
  const auto answer =
      serving().post("/v1/chat/completions",
                     chat_body(R"("stream":true,"stream_options":{"include_usage":true})"));
  EXPECT_EQ(answer.headers.at("content-type"), "text/event-stream");
  const auto events = test::streamed(answer.body);
  ASSERT_GT(events.size(), 3u);
  EXPECT_EQ(events.back(), "[DONE]");
  std::string streamed;
  for (size_t i = 0; i + 2 < events.size(); ++i) {
    const Json delta = Json::parse(events[i])["choices"][0]["delta"];
    streamed += delta.value("content", "");
  }
  EXPECT_EQ(streamed, whole);
  EXPECT_EQ(Json::parse(events[events.size() - 2])["usage"]["completion_tokens"], 12);
}

TEST(OpenAiRoutes, ACompletionTakesTextListsAndTokens) {
  const Json one = serving().good("/v1/completions", text_body(""));
  const Json tokens =
      serving().good("/verge/tokenize", R"({"model":"verge-lm","text":"And God said"})");
  const Json same = serving().good("/v1/completions", Json{{"model", "verge-lm"},
                                                           {"max_tokens", 12},
                                                           {"temperature", 0},
                                                           {"prompt", tokens["tokens"]}}
                                                          .dump());
  EXPECT_EQ(same["choices"][0]["text"], one["choices"][0]["text"]);
  const Json two = serving().good("/v1/completions", R"({"model":"verge-lm","max_tokens":3,"n":2,
      "echo":true,"prompt":["In the beginning","And God said"]})");
  ASSERT_EQ(two["choices"].size(), 4u);
  EXPECT_TRUE(two["choices"][2]["text"].get<std::string>().starts_with("And God said"));
}

TEST(OpenAiRoutes, StopStringsEndAnswers) {
  const std::string whole = serving().good("/v1/completions", text_body(""))["choices"][0]["text"];
  ASSERT_GT(whole.size(), 6u);
  const std::string stop = whole.substr(4, 2);
  const Json cut = serving().good("/v1/completions", text_body("\"stop\":[\"" + stop + "\"]"));
  EXPECT_EQ(cut["choices"][0]["text"], whole.substr(0, whole.find(stop)));
  EXPECT_EQ(cut["choices"][0]["finish_reason"], "stop");
}

TEST(OpenAiRoutes, ChoicesAndExpressionsAreHeld) {
  const Json chosen = serving().good(
      "/v1/chat/completions", chat_body(R"("guided_choice":["wine","water"],"temperature":1)"));
  EXPECT_TRUE(content(chosen) == "wine" || content(chosen) == "water") << content(chosen);
  const Json matched = serving().good("/v1/completions",
                                      text_body(R"("structured_outputs":{"regex":"[0-9]{3}-x"})"));
  const std::string made = matched["choices"][0]["text"];
  EXPECT_EQ(made.size(), 5u) << made;
  EXPECT_TRUE(made.ends_with("-x")) << made;
}

TEST(OpenAiRoutes, TokensEndAnswersAndMayStandThere) {
  const Json whole = serving().good("/v1/completions", text_body(R"("logprobs":0)"))["choices"][0];
  const std::string all = whole["text"];
  const std::string third = whole["logprobs"]["tokens"][2];
  const Json tokens = serving().good(
      "/verge/tokenize", Json{{"model", "verge-lm"}, {"text", "And God said" + all}}.dump());
  const Json begun =
      serving().good("/verge/tokenize", R"({"model":"verge-lm","text":"And God said"})");
  const int id = tokens["tokens"][begun["tokens"].size() + 2];
  const std::string ids = fmt::format("\"stop_token_ids\":[{}]", id);
  const Json cut = serving().good("/v1/completions", text_body(ids))["choices"][0];
  EXPECT_TRUE(all.starts_with(cut["text"].get<std::string>()));
  EXPECT_LT(cut["text"].get<std::string>().size(), all.size());
  EXPECT_EQ(cut["finish_reason"], "stop");
  const Json shown = serving().good(
      "/v1/completions", text_body(ids + ",\"include_stop_str_in_output\":true"))["choices"][0];
  EXPECT_EQ(shown["text"], cut["text"].get<std::string>() + third);
  const Json longer = serving().good("/v1/completions", text_body(ids + ",\"min_tokens\":5"));
  EXPECT_GE(longer["usage"]["completion_tokens"], 5);
  EXPECT_EQ(
      serving().bad(400, "/v1/completions", text_body(R"("stop_token_ids":[99999999])"))["param"],
      "stop_token_ids");
}

TEST(OpenAiRoutes, SeedsRepeatAndChoicesDiffer) {
  const auto seeded = [](int seed) {
    return serving().good("/v1/chat/completions",
                          chat_body(fmt::format(R"("temperature":1.5,"n":3,"seed":{})", seed)));
  };
  const Json first = seeded(5), again = seeded(5), other = seeded(6);
  std::set<std::string> texts;
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(content(first, i), content(again, i));
    texts.insert(content(first, i));
  }
  EXPECT_EQ(texts.size(), 3u);
  EXPECT_NE(content(first, 0), content(other, 0));
}

TEST(OpenAiRoutes, LogprobsAreOfTheTokensDrawn) {
  const Json answer =
      serving().good("/v1/chat/completions", chat_body(R"("logprobs":true,"top_logprobs":3)"));
  const Json& tokens = answer["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(tokens.size(), 12u);
  std::string joined;
  for (const Json& token : tokens) {
    joined += token["token"];
    ASSERT_EQ(token["top_logprobs"].size(), 3u);
    EXPECT_EQ(token["top_logprobs"][0]["token"], token["token"]);  // greedy
    EXPECT_LE(token["logprob"], 0);
  }
  EXPECT_NE(joined.find(content(answer)), std::string::npos);
  const Json legacy = serving().good("/v1/completions", text_body(R"("logprobs":2)"));
  EXPECT_EQ(legacy["choices"][0]["logprobs"]["tokens"].size(), 12u);
  EXPECT_EQ(legacy["choices"][0]["logprobs"]["text_offset"][0], 0);
}

// A prompt is scored for the first of its choices, and its scores are all choices'.
TEST(OpenAiRoutes, AnEchoedPromptOfManyChoicesIsScoredOnce) {
  const Json told =
      serving().good("/v1/completions", Json{{"prompt", {"And God said", "Let there"}},
                                             {"echo", true},
                                             {"logprobs", 2},
                                             {"n", 3},
                                             {"max_tokens", 2}}
                                            .dump());
  ASSERT_EQ(told["choices"].size(), 6u);
  for (size_t i = 0; i < 6; ++i) {
    const Json& first = told["choices"][i - i % 3]["logprobs"];
    const Json& scores = told["choices"][i]["logprobs"];
    const size_t prompt = scores["tokens"].size() - 2;
    ASSERT_GT(prompt, 1u);
    for (size_t t = 1; t < prompt; ++t) {
      EXPECT_TRUE(scores["token_logprobs"][t].is_number());
      EXPECT_EQ(scores["token_logprobs"][t], first["token_logprobs"][t]);
      EXPECT_EQ(scores["top_logprobs"][t].size(), 2u);
    }
  }
}

// As lm-evaluation-harness asks: of a text that continues a context, is each token the likeliest?
TEST(OpenAiRoutes, AnEchoedPromptHasLogprobs) {
  const Json drawn = serving().good("/v1/completions", text_body(R"("logprobs":2)"))["choices"][0];
  const Json& answer = drawn["logprobs"];
  const Json begun = serving().good("/verge/tokenize", R"({"text":"And God said"})");
  const Json all = serving().good(
      "/verge/tokenize", Json{{"text", "And God said" + drawn["text"].get<std::string>()}}.dump());
  ASSERT_EQ(all["tokens"].size(),
            begun["tokens"].size() + answer["tokens"].size());  // of this text
  for (const int most : {0, 1}) {
    const Json scored = serving().good("/v1/completions", Json{{"prompt", all["tokens"]},
                                                               {"echo", true},
                                                               {"logprobs", 2},
                                                               {"temperature", 0},
                                                               {"max_tokens", most}}
                                                              .dump());
    const Json& scores = scored["choices"][0]["logprobs"];
    EXPECT_EQ(scored["usage"]["completion_tokens"], most);
    ASSERT_EQ(scores["tokens"].size(), all["tokens"].size() + most);
    EXPECT_TRUE(scores["token_logprobs"][0].is_null() && scores["top_logprobs"][0].is_null());
    EXPECT_EQ(scores["text_offset"][0], 0);
    const size_t first = begun["tokens"].size();
    for (size_t i = 0; i < answer["tokens"].size(); ++i) {
      EXPECT_EQ(scores["tokens"][first + i], answer["tokens"][i]);
      EXPECT_NEAR(scores["token_logprobs"][first + i], answer["token_logprobs"][i], 1e-3);
      EXPECT_EQ(scores["top_logprobs"][first + i].size(), 2u);
    }
  }
}

TEST(OpenAiRoutes, BiasForbidsAndForces) {
  const Json tokens = serving().good("/verge/tokenize", R"({"model":"verge-lm","text":"x"})");
  const std::string token = std::to_string(tokens["tokens"][0].get<int>());
  const Json forced =
      serving().good("/v1/completions", text_body("\"logit_bias\":{\"" + token + "\":100}"));
  EXPECT_EQ(forced["choices"][0]["text"], std::string(12, 'x'));
}

TEST(OpenAiRoutes, FormatsAreHeld) {
  const std::string schema =
      R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"enum":["x","y"]}},
          "required":["a","b"],"additionalProperties":false})";
  for (int seed = 0; seed < 5; ++seed) {
    const Json answer = serving().good(
        "/v1/chat/completions",
        chat_body(fmt::format(R"("max_tokens":100,"temperature":1,"seed":{},"response_format":
             {{"type":"json_schema","json_schema":{{"name":"n","strict":true,"schema":{}}}}})",
                              seed, schema)));
    if (answer["choices"][0]["finish_reason"] == "length") continue;  // of endless digits
    const Json made = Json::parse(content(answer), nullptr, false);
    ASSERT_TRUE(made.is_object()) << content(answer);
    EXPECT_TRUE(made["a"].is_number_integer());
    EXPECT_TRUE(made["b"] == "x" || made["b"] == "y");
  }
  EXPECT_EQ(content(serving().good("/v1/chat/completions",
                                   chat_body(R"("grammar":"root ::= \"yes\" | \"no\"")")))
                .substr(0, 1)
                .find_first_not_of("yn"),
            std::string::npos);
  EXPECT_EQ(serving().bad(400, "/v1/chat/completions",
                          chat_body(R"("grammar":"root ::= other")"))["param"],
            "grammar");
}

TEST(OpenAiRoutes, RequiredToolsAreCalled) {
  const std::string tools =
      R"("max_tokens":60,"logit_bias":{"10":-100,"32":-100},"tools":[{"type":"function","function":{"name":"lamp","parameters":
         {"type":"object","properties":{"on":{"type":"boolean"}},"required":["on"],
          "additionalProperties":false}}}],"tool_choice":)";
  for (const std::string& choice :
       {std::string("\"required\""),
        std::string(R"({"type":"function","function":{"name":"lamp"}})")}) {
    const Json answer = serving().good("/v1/chat/completions", chat_body(tools + choice));
    const Json& message = answer["choices"][0]["message"];
    ASSERT_TRUE(message.contains("tool_calls")) << answer.dump();
    EXPECT_EQ(answer["choices"][0]["finish_reason"], "tool_calls");
    EXPECT_EQ(message["tool_calls"][0]["function"]["name"], "lamp");
    const std::string arguments = message["tool_calls"][0]["function"]["arguments"];
    EXPECT_TRUE(Json::parse(arguments)["on"].is_boolean()) << arguments;
  }
}

TEST(OpenAiRoutes, LongPromptsGetTheNumbers) {
  std::string words;
  for (int i = 0; i < 400; ++i) words += "word ";
  const Json error =
      serving().bad(400, "/v1/completions", R"({"model":"verge-lm","prompt":")" + words + "\"}");
  EXPECT_EQ(error["code"], "context_length_exceeded");
  EXPECT_NE(error["message"].get<std::string>().find("255"), std::string::npos) << error;
  const Json context = serving().get("/v1/context").json();
  EXPECT_EQ(context["max_prompt_tokens"], 255);
  EXPECT_LE(context["max_prompt_tokens_now"], 255);
}

TEST(OpenAiRoutes, EmbeddingsAreOfEachText) {
  const Json one = serving().good("/v1/embeddings", R"({"model":"verge-lm","input":"the LORD"})");
  const Json two = serving().good(
      "/v1/embeddings", R"({"model":"verge-lm","input":["the LORD","wine"],"dimensions":16})");
  EXPECT_EQ(one["data"][0]["embedding"].size(), 256u);
  ASSERT_EQ(two["data"].size(), 2u);
  EXPECT_EQ(two["data"][1]["embedding"].size(), 16u);
  EXPECT_NE(two["data"][0]["embedding"], two["data"][1]["embedding"]);
  EXPECT_GT(one["usage"]["prompt_tokens"], 0);
  EXPECT_EQ(serving().bad(400, "/v1/embeddings",
                          R"({"model":"verge-lm","input":"a","dimensions":257})")["param"],
            "dimensions");
}

TEST(OpenAiRoutes, TheOnlyModelNeedsNoName) {
  const Json answer = serving().good("/v1/completions", R"({"prompt":"a","max_tokens":1})");
  EXPECT_EQ(answer["model"], "verge-lm");
  EXPECT_EQ(serving().good("/v1/embeddings", R"({"input":"a"})")["model"], "verge-lm");
  EXPECT_GT(serving().good("/verge/tokenize", R"({"text":"a"})")["count"], 0);
}

TEST(OpenAiRoutes, ATimeLimitEndsAnAnswer) {
  const Json error = serving().bad(
      408, "/v1/completions", text_body(R"("max_tokens":250,"ignore_eos":true,"timeout":0.001)"));
  EXPECT_EQ(error["code"], "timeout");
  serving().good("/v1/completions", text_body(R"("timeout":600)"));
}

TEST(OpenAiRoutes, AnAnswerThatIsHeldMayBeAskedForBesideTools) {
  const Json answer = serving().good(
      "/v1/chat/completions", chat_body(R"("guided_choice":["wine"],"tools":[{"type":"function",
                                     "function":{"name":"f"}}])"));
  const Json& message = answer["choices"][0]["message"];
  EXPECT_TRUE(message["content"] == "wine" || message.contains("tool_calls")) << message;
}

TEST(OpenAiRoutes, UnknownModelsAre404) {
  EXPECT_EQ(
      serving().bad(404, "/v1/chat/completions",
                    R"({"model":"gpt-4","messages":[{"role":"user","content":"a"}]})")["code"],
      "model_not_found");
}

// What arrives at a public address; each gets a proper error, and the server goes on.
TEST(OpenAiRoutes, SurvivesWhatIsNoRequest) {
  const std::string deep(200000, '[');
  const std::string bodies[] = {"",
                                "{",
                                "null",
                                "[]",
                                deep,
                                "{\"model\":" + deep,
                                "\xFF\xFE",
                                R"({"model":"\ud800"})",
                                R"({"model":7,"messages":{}})",
                                chat_body(R"("temperature":1e308)"),
                                chat_body(R"("max_tokens":-5)"),
                                chat_body(R"("n":1e9)"),
                                chat_body(R"("stop":{"a":1})"),
                                chat_body(R"("logit_bias":{"999999":1})"),
                                chat_body(R"("logit_bias":{"-1":1})"),
                                chat_body(R"("seed":"x")"),
                                chat_body(R"("stream":"yes")"),
                                chat_body(R"("tools":[[[[]]]])"),
                                chat_body(R"("response_format":{"type":"json_schema","json_schema":
           {"name":"n","schema":{"type":"nonsense"}}})"),
                                chat_body(R"("response_format":{"type":"json_schema","json_schema":
           {"name":"n","schema":{"$ref":"#"}}})"),
                                chat_body(R"("grammar":"root ::= root")"),
                                chat_body(R"("temprature":0)")};
  for (const std::string& body : bodies) {
    for (const char* route : {"/v1/chat/completions", "/v1/completions", "/api/chat",
                              "/api/generate", "/verge/tokenize"}) {
      const auto answer = serving().post(route, body);
      EXPECT_GE(answer.status, 400)
          << route << " " << body.substr(0, 100) << ": " << answer.body.substr(0, 200);
      EXPECT_LT(answer.status, 500)
          << route << " " << body.substr(0, 100) << ": " << answer.body.substr(0, 200);
      EXPECT_TRUE(answer.json().is_object() && answer.json().contains("error")) << answer.body;
      if (body.find("And God said") != std::string::npos) break;  // others have other fields
    }
  }
  EXPECT_EQ(serving().get("/health").status, 200);
}

TEST(OpenAiRoutes, AClientThatLeavesFreesItsPlace) {
  {
    test::HttpClient connection(serving().port(), test::kWebLimit);
    connection.send(test::request_bytes(
        "POST", "/v1/completions",
        R"({"model":"verge-lm","prompt":"a","stream":true,"ignore_eos":true,"max_tokens":250})"));
    ASSERT_TRUE(connection.until("data: "));
  }
  EXPECT_TRUE(test::eventually([] { return serving().running() == 0; }));
}

}  // namespace
}  // namespace verge::serve::api
