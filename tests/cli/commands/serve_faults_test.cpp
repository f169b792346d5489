// What becomes of a server, its files and its clients when it is told to end, or is killed.

#include <atomic>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <sanitized.hpp>
#include <shared_data.hpp>
#include <verge_process.hpp>

#include <verge/stages/serve/api/access/key_file.hpp>

namespace verge::cli {
namespace {

using test::HttpClient;
using test::ServeProcess;

constexpr std::chrono::seconds kLimit{60};

std::string request(const std::string& target, const nlohmann::json& body, const std::string& key) {
  const std::string text = body.dump();
  return "POST " + target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Bearer " +
         key +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(text.size()) +
         "\r\n\r\n" + text;
}

nlohmann::json completion(const std::string& prompt, bool stream, int tokens) {
  return {{"model", "verge-lm"}, {"prompt", prompt},   {"max_tokens", tokens},
          {"temperature", 0},    {"ignore_eos", true}, {"stream", stream}};
}

struct Streamed {
  std::string text;
  bool is_done = false;  // its end was said
};

// What a client has read of a stream when its connection ended.
Streamed read_stream(HttpClient& client) {
  Streamed read;
  while (const auto line = client.until("\n")) {
    if (*line == "data: [DONE]\n") read.is_done = true;
    if (!line->starts_with("data: {")) continue;
    const nlohmann::json event = nlohmann::json::parse(line->substr(6), nullptr, false);
    if (!event.is_object() || !event.contains("choices") || event["choices"].empty()) continue;
    read.text += event["choices"][0].value("text", "");
  }
  return read;
}

class KilledServer : public testing::Test {
 protected:
  static constexpr int kTokens = 60;

  KilledServer() {
    serve::api::KeyFile keys;
    key_ = *keys.add({.tenant = "t", .limits = {.tokens_per_day = 100'000'000}});
    EXPECT_TRUE(keys.save(folder_ / "keys.json"));
    std::filesystem::create_directory(folder_ / "prompts");
    // Beginnings of several pages, shared by some.
    const std::string beginning =
        "In the beginning God created the heaven and the earth. And the earth was without form, "
        "and void; and darkness was upon the face of the deep. And the Spirit of God moved upon "
        "the face of the waters. And God said, Let there be light: and there was light.";
    for (const char* end : {" And God", " Then", " The light", " And the evening"}) {
      prompts_.push_back(beginning + end);
    }
    for (const char* other : {"Now these are the names of the children of Israel, which came into "
                              "Egypt; every man and his household came with Jacob.",
                              "The LORD is my shepherd; I shall not want. He maketh me to lie down "
                              "in green pastures: he leadeth me beside the still waters."}) {
      prompts_.push_back(other);
    }
  }

  std::vector<std::string> arguments() const {
    return {test::repository_model(),
            "--api-keys",
            folder_ / "keys.json",
            "--prompt-cache",
            folder_ / "prompts",
            "--spill",
            folder_ / "prompts",
            "--max-sequences",
            "4",
            "--kv-tokens",
            "1024"};
  }

  std::map<std::string, std::string> answers(ServeProcess& server) const {
    std::map<std::string, std::string> texts;
    for (const std::string& prompt : prompts_) {
      HttpClient client(server.port(), kLimit);
      client.send(request("/v1/completions", completion(prompt, false, kTokens), key_));
      const test::HttpAnswer answer = client.answer();
      EXPECT_EQ(answer.status, 200) << answer.body << server.said();
      const nlohmann::json json = nlohmann::json::parse(answer.body, nullptr, false);
      if (answer.status == 200) texts[prompt] = json["choices"][0]["text"];
    }
    return texts;
  }

  // Puts the model out of memory, which saves its prompts, whenever nobody uses it.
  void unload(uint16_t port) const {
    HttpClient client(port, kLimit);
    if (!client.send(request("/verge/models/unload", {{"model", "verge-lm"}}, key_))) return;
    (void)client.until("\r\n\r\n");
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) names.push_back(entry.path().filename());
    }
    return names;
  }

  test::TemporaryFolder folder_;
  std::string key_;
  std::vector<std::string> prompts_;
};

// Streams run and prompts are saved again and again, until SIGKILL at some moment.
TEST_F(KilledServer, StartsAgainOnItsFilesAndAnswersAsBefore) {
  std::map<std::string, std::string> wanted;
  {
    ServeProcess fresh({test::repository_model(), "--api-keys", folder_ / "keys.json", "--usage",
                        "none", "--no-prefix-cache"});
    wanted = answers(fresh);
  }
  std::mt19937 random(7);
  std::atomic<int> cut{0}, whole{0};
  for (int trial = 0; trial < (test::kSanitized ? 2 : 6); ++trial) {
    ServeProcess server(arguments());
    std::atomic<bool> is_killed{false};
    std::thread load([&] {
      while (!is_killed) {
        std::vector<std::thread> clients;
        for (const std::string& prompt : prompts_) {
          clients.emplace_back([&] {
            HttpClient client(server.port(), kLimit);
            client.send(request("/v1/completions", completion(prompt, true, kTokens), key_));
            const Streamed read = read_stream(client);
            EXPECT_TRUE(read.is_done || is_killed) << "an end that nobody said";
            const std::string& text = wanted.at(prompt);
            EXPECT_TRUE(read.is_done ? read.text == text : text.starts_with(read.text))
                << read.text;
            ++(read.is_done ? whole : cut);
          });
        }
        for (std::thread& client : clients) client.join();
        if (!is_killed) unload(server.port());
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1000));
    is_killed = true;  // first: a client may hear of it before this thread goes on
    server.signal(SIGKILL);
    EXPECT_EQ(server.wait(), 128 + SIGKILL) << server.said();
    load.join();
  }
  EXPECT_GT(cut, 0) << whole;
  ServeProcess last(arguments());
  EXPECT_EQ(answers(last), wanted);
  unload(last.port());
  EXPECT_EQ(answers(last), wanted) << "with what was saved";
  last.signal(SIGTERM);
  EXPECT_EQ(last.wait(), 0) << last.said();
  const std::vector<std::string> left = files();
  EXPECT_EQ(left.size(), 3u) << testing::PrintToString(left);  // keys, used tokens, prompts
  EXPECT_EQ(last.said().find("damaged"), std::string::npos) << last.said();
}

class DrainedServer : public testing::Test {
 protected:
  static constexpr int kTokens = 200;

  // A stream that has begun.
  HttpClient begun(ServeProcess& server) {
    HttpClient client(server.port(), kLimit);
    client.send(request("/v1/completions", completion("And God", true, kTokens), ""));
    EXPECT_TRUE(client.until("data: "));
    return client;
  }

  // A request whose body waits to be sent: however fast answers are, a drain is not over before it.
  HttpClient half_sent(ServeProcess& server) {
    HttpClient client(server.port(), kLimit);
    client.send(
        "POST /v1/completions HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: "
        "2\r\n\r\n");
    EXPECT_TRUE(client.until("100 Continue\r\n\r\n"));
    return client;
  }
};

TEST_F(DrainedServer, RunningAnswersEndNewOnesAreToldAndItEndsWell) {
  ServeProcess server({test::repository_model(), "--insecure", "--drain-timeout", "600"});
  HttpClient half = half_sent(server), running = begun(server);
  server.signal(SIGTERM);
  EXPECT_TRUE(test::eventually([&] {
    const test::HttpAnswer health = HttpClient(server.port(), kLimit).get("/health");
    return health.status == 503 && health.body.find("draining") != std::string::npos;
  }));
  HttpClient late(server.port(), kLimit);
  late.send(request("/v1/completions", completion("And", false, 3), ""));
  const test::HttpAnswer refused = late.answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.field("retry-after"), "");
  EXPECT_EQ(nlohmann::json::parse(refused.body)["error"]["code"], "shutting_down");
  EXPECT_TRUE(read_stream(running).is_done);
  half.send("{}");
  EXPECT_EQ(half.answer().status, 503);
  EXPECT_EQ(server.wait(), 0) << server.said();
}

TEST_F(DrainedServer, ASecondSignalEndsAtOnce) {
  ServeProcess server({test::repository_model(), "--insecure", "--drain-timeout", "600"});
  HttpClient half = half_sent(server), running = begun(server);
  server.signal(SIGTERM);
  EXPECT_TRUE(test::eventually(
      [&] { return HttpClient(server.port(), kLimit).get("/health").status == 503; }));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0) << server.said();
  EXPECT_EQ(half.answer().status, 0);
  EXPECT_NE(server.said().find("stopping at once"), std::string::npos);
}

}  // namespace
}  // namespace verge::cli
