// One model on two nodes while their processes are killed at random points of an answer, and while
// the link is a real one with outages: no wrong token, none lost or doubled, no run beyond its
// time. VERGE_FAULT_TRIALS says how many trials (6), VERGE_FAULT_SEED from where the points are
// drawn, VERGE_FAULT_LOG into which file each trial is written as a line of JSON.

#include <cstdlib>
#include <iostream>

#include <eventually.hpp>
#include <shared_data.hpp>
#include <system_process.hpp>

#include <verge/core/rng.hpp>

#include "answer_check.hpp"
#include "slow_model.hpp"

namespace verge {
namespace {

using test::json_of;
using test::SystemProcess;
using test_system::AnswerCheck;
using test_system::PlaceCounts;
using Object = nlohmann::json;

constexpr const char* kTrialPrompt = "the and of to in";
constexpr int kTrialTokens = 120;
constexpr int kTrialWidth = 512;  // some milliseconds a token at the edge
constexpr double kTokenDeadlineS = 1;
constexpr double kPatientDeadlineS = 30;  // of runs that have their cloud, however slow it is
constexpr double kRunLimitS = 60;         // then a run hangs
constexpr const char* kSteadyLink = "200mbit,2ms";

int64_t setting(const char* name, int64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

struct Trial {
  int number = 0;
  double theta = 1;
  double kill_s = 0;  // after the edge's start
  double back_s = 0;  // after that
};

// A fleet on loopback whose cloud comes back on the port it had.
class KilledProcesses : public testing::Test {
 protected:
  void SetUp() override {
    const std::string whole = test_system::write_slow_model(folder_, kTrialWidth);
    check_ = std::make_unique<AnswerCheck>(whole, kTrialPrompt);
    json_of({"fit", "split", whole, "-o", edge_, cloud_});
    json_of({"node", "init", "home", "--dir", home_});
    ASSERT_NO_FATAL_FAILURE(start_cloud());
    const std::string token = json_of({"node", "invite", "phone", "--dir", home_})["token"];
    json_of({"node", "join", fmt::format("127.0.0.1:{}", join_port_), token, "--dir", phone_});
  }
  // What runs say, and how long they take, when nothing happens to them.
  void run_undisturbed() {
    for (const double theta : {1.0, kSureTheta}) {
      const Object answer = finish(*start_edge(theta, kSteadyLink, true, kPatientDeadlineS), true);
      whole_texts_[theta] = answer["text"];
      steady_s_ = std::max(steady_s_, answer.value("seconds", 0.0));
    }
  }

  void launch_cloud() {
    node_ = std::make_unique<SystemProcess>(test::verge_words(
        {"node", "start", "--dir", home_, "--host", "127.0.0.1", "--port", std::to_string(port_),
         "--join-port", "0", "--no-measure", "--json", "--collab", cloud_, "--threads", "1"}));
  }
  void start_cloud() {
    launch_cloud();
    wait_for_cloud();
  }
  void wait_for_cloud() {
    ASSERT_TRUE(test::eventually([&] { return node_->json().is_object() || node_->wait(0); }));
    ASSERT_TRUE(node_->json().is_object()) << node_->err();
    port_ = node_->json()["port"];
    join_port_ = node_->json()["join_port"];
  }
  std::unique_ptr<SystemProcess> start_edge(double theta, const std::string& link,
                                            bool is_json = true,
                                            double deadline_s = kTokenDeadlineS) {
    const std::string sure = fmt::format("{}", theta);
    auto words = test::verge_words({"run",
                                    edge_,
                                    "-p",
                                    kTrialPrompt,
                                    "-n",
                                    std::to_string(kTrialTokens),
                                    "--temp",
                                    "0",
                                    "--ignore-end",
                                    "--threads",
                                    "1",
                                    "--dir",
                                    phone_,
                                    "--cloud",
                                    fmt::format("127.0.0.1:{}", port_),
                                    "--theta1",
                                    sure,
                                    "--theta2",
                                    sure,
                                    "--codec",
                                    "f32",
                                    "--deadline",
                                    fmt::format("{}", deadline_s),
                                    "--link",
                                    link});
    words.emplace_back(is_json ? "--json" : "--quiet");
    return std::make_unique<SystemProcess>(std::move(words));
  }

  // The answer of a run that ends by itself, whatever was done to it.
  Object finish(SystemProcess& edge, bool has_cloud) {
    const std::optional<int> status = edge.wait(kRunLimitS);
    EXPECT_EQ(status.value_or(-1), 0) << "hangs, or failed: " << edge.err();
    const Object answer = edge.json();
    if (!answer.is_object()) return Object::object();
    counts_ = check_->check(answer);
    EXPECT_EQ(counts_.all(), kTrialTokens);
    if (has_cloud) {
      EXPECT_EQ(counts_.degraded, 0) << answer.dump();
    }
    return answer;
  }

  Object kill_cloud(const Trial& trial) {
    const auto edge = start_edge(trial.theta, kSteadyLink);
    edge->wait(trial.kill_s);
    node_->end(SIGKILL);
    edge->wait(trial.back_s);
    launch_cloud();
    Object answer = finish(*edge, false);
    wait_for_cloud();
    return answer;
  }
  // What it had said is the beginning of what it says when it is called again.
  Object kill_edge(const Trial& trial, bool also_cloud) {
    const auto edge = start_edge(trial.theta, kSteadyLink, false, kPatientDeadlineS);
    edge->wait(trial.kill_s);
    if (also_cloud) node_->end(SIGKILL);
    if (!also_cloud) edge->end(SIGKILL);
    std::string said = edge->out();
    edge->end(SIGKILL);
    if (also_cloud) start_cloud();
    if (said.ends_with('\n')) said.pop_back();
    if (!also_cloud) {
      EXPECT_TRUE(whole_texts_[trial.theta].starts_with(said)) << said;
    }
    return finish(*start_edge(trial.theta, kSteadyLink, true, kPatientDeadlineS), true);
  }

  void run_trial(const Trial& trial, const std::string& fault, const Object& answer) {
    const auto reasons = test_system::reasons_of(answer);
    const Object line = {{"trial", trial.number},
                         {"fault", fault},
                         {"theta", trial.theta},
                         {"kill_s", trial.kill_s},
                         {"back_s", trial.back_s},
                         {"seconds", answer.value("seconds", -1.0)},
                         {"tokens", counts_.all()},
                         {"exits", counts_.exit1 + counts_.exit2},
                         {"cloud", counts_.cloud},
                         {"degraded", counts_.degraded},
                         {"timed_out", std::ranges::count(reasons, "timed out")},
                         {"came_back", came_back(reasons)},
                         {"wrong", counts_.wrong}};
    std::cout << line.dump() << std::endl;
    if (const char* const log = std::getenv("VERGE_FAULT_LOG")) {
      std::ofstream(log, std::ios::app) << line.dump() << "\n";
    }
  }
  // Whether the cloud answered after it could not.
  static bool came_back(const std::vector<std::string>& reasons) {
    const auto lost = std::ranges::find_if(
        reasons, [](const auto& reason) { return reason != "asked" && reason != "sure"; });
    return std::find(lost, reasons.end(), "asked") != reasons.end();
  }

  static constexpr double kSureTheta = 0.4;

  test::TemporaryFolder folder_;
  std::string edge_ = folder_ / "edge.gguf", cloud_ = folder_ / "cloud.gguf";
  std::string home_ = folder_ / "home", phone_ = folder_ / "phone";
  int port_ = 0, join_port_ = 0;
  std::unique_ptr<SystemProcess> node_;
  std::unique_ptr<AnswerCheck> check_;
  PlaceCounts counts_;  // of the newest answer
  std::map<double, std::string> whole_texts_;
  double steady_s_ = 0;
};

TEST_F(KilledProcesses, AtRandomPointsCostNoTokenAndNoRun) {
  const auto trials = static_cast<int>(setting("VERGE_FAULT_TRIALS", 6));
  Rng rng(static_cast<uint64_t>(setting("VERGE_FAULT_SEED", 1)));
  run_undisturbed();
  for (int i = 0; i < trials && !HasFatalFailure(); ++i) {
    const Trial trial{.number = i,
                      .theta = i % 2 == 0 ? 1 : kSureTheta,
                      .kill_s = rng.uniform() * (steady_s_ + 0.5),
                      .back_s = 0.3 * rng.uniform()};
    const int kind = i / 2 % 3;
    SCOPED_TRACE(fmt::format("trial {}", i));
    if (kind == 0) run_trial(trial, "cloud", kill_cloud(trial));
    if (kind == 1) run_trial(trial, "edge", kill_edge(trial, false));
    if (kind == 2) run_trial(trial, "both", kill_edge(trial, true));
  }
}

// Steps [first, last) of a trace of the shared data, as a file of its own.
std::string trace_excerpt(const test::TemporaryFolder& folder, const std::string& name, int first,
                          int last) {
  std::ifstream file(test::shared_data("ce-collm/mobile_network_traces.csv"));
  std::string header, row, excerpt;
  std::getline(file, header);
  while (std::getline(file, row)) {
    const bool is_of_it = row.starts_with(name + ",");
    const int step = is_of_it ? std::atoi(row.c_str() + name.size() + 1) : -1;
    if (step >= first && step < last) excerpt += row + "\n";
  }
  return folder.add(fmt::format("{}-{}.csv", name, first), header + "\n" + excerpt);
}

// A train's 4G whose bandwidth is 0 for seconds at a time. What is asked in an outage is waited for
// once; then the edge goes on alone.
TEST_F(KilledProcesses, OutagesOfARealTraceDegradeAnAnswerAndEndNone) {
  if (test::shared_data("ce-collm/mobile_network_traces.csv").empty()) {
    GTEST_SKIP() << "the traces are not there";
  }
  struct Outage {
    int first, last;
    int seconds;
  };
  int number = 0;
  for (const Outage& outage : {Outage{143, 149, 3}, Outage{382, 390, 1}}) {
    const std::string link =
        trace_excerpt(folder_, "4G_report_train_0001", outage.first, outage.last);
    const Trial trial{
        .number = number++, .theta = 1, .kill_s = 1, .back_s = double(outage.seconds)};
    const Object answer = finish(*start_edge(1, link), false);
    run_trial(trial, "outage", answer);
    const auto reasons = test_system::reasons_of(answer);
    EXPECT_GT(counts_.cloud, 5);
    // Of an outage that ends within the deadline of a token, the token comes.
    if (outage.seconds > kTokenDeadlineS) {
      EXPECT_GT(counts_.degraded, 0);
    }
    EXPECT_LE(std::ranges::count(reasons, "timed out"), 2);
  }
}

}  // namespace
}  // namespace verge
