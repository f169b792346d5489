// The files of packaging/ against the program they start, as far as one machine can tell: flags,
// libraries, time to drain, and syntax by the tools that will read them.

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <verge/core/file.hpp>

#include "command_line.hpp"
#include "paths.hpp"
#include "temporary_folder.hpp"

namespace verge {
namespace {

const std::string kPackaging = test::source_file("packaging/");

std::string content(const std::string& path) {
  const Result<std::string> text = read_whole_file(path, 1 << 20);
  EXPECT_TRUE(text.ok()) << (text ? "" : text.error().message);
  return text ? *text : "";
}

struct Output {
  int status = -1;
  std::string text;
};

Output run(const std::string& command) {
  Output output;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  std::array<char, 4096> bytes;
  for (size_t n; (n = std::fread(bytes.data(), 1, bytes.size(), pipe)) > 0;) {
    output.text.append(bytes.data(), n);
  }
  output.status = ::pclose(pipe);
  return output;
}

bool has_program(const std::string& name) {
  return run("command -v " + name).status == 0;
}

std::vector<std::string> matches(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) {
    found.push_back((*at)[1]);
  }
  return found;
}

// Without what stands behind "#", where flags of other programs are spoken of.
std::string without_comments(const std::string& text) {
  return std::regex_replace(text, std::regex("(^|\n)#[^\n]*"), "$1");
}

std::string lines_with(const std::string& text, const std::string& part) {
  std::string found;
  for (const std::string& line : matches(text, "([^\n]+)")) {
    if ((line + '\n').find(part) != std::string::npos) found += line + '\n';
  }
  return found;
}

int number_behind(const std::string& text, const std::string& pattern) {
  const std::vector<std::string> found = matches(text, pattern);
  EXPECT_FALSE(found.empty()) << pattern;
  return found.empty() ? 0 : std::stoi(found.front());
}

std::vector<YAML::Node> cluster() {
  return YAML::LoadAllFromFile(kPackaging + "kubernetes/verge.yaml");
}

YAML::Node pod() {
  return cluster().front()["spec"]["template"]["spec"];
}

std::string joined_arguments() {
  std::string text;
  for (const YAML::Node& argument : pod()["containers"][0]["args"]) {
    text += argument.as<std::string>() + ' ';
  }
  return text;
}

TEST(Packaging, EveryFlagIsOneOfServe) {
  const test::Ran help = test::run_verge({"serve", "--help"});
  ASSERT_NE(help.out.find("verge serve"), std::string::npos) << help.out;
  const std::string unit = content(kPackaging + "verge.service");
  const std::string docker = content(kPackaging + "Dockerfile");
  const std::string texts[] = {lines_with(unit, "ExecStart="), lines_with(docker, "ENTRYPOINT"),
                               lines_with(docker, "docker run"), joined_arguments(),
                               lines_with(content(kPackaging + "serve.env"), "VERGE_OPTIONS=")};
  size_t flags = 0;
  for (const std::string& text : texts) {
    for (const std::string& flag : matches(text, R"((?:^|[\s"=])(--[a-z][a-z-]*))")) {
      ++flags;
      EXPECT_TRUE(std::regex_search(help.out, std::regex(flag + R"(\b(?!-))"))) << flag;
    }
  }
  EXPECT_GE(flags, 10u);
}

TEST(Packaging, TheUnitIsValidAndHardened) {
  if (!has_program("systemd-analyze")) GTEST_SKIP() << "systemd-analyze is not installed";
  std::string unit = content(kPackaging + "verge.service");
  // verify looks for the program, which a build tree does not install.
  unit = std::regex_replace(unit, std::regex("/usr/bin/verge"), "/bin/true");
  const test::TemporaryFolder folder;
  const std::string path = folder.add("verge.service", unit);
  const Output verified = run("systemd-analyze verify --man=no " + path);
  EXPECT_EQ(verified.status, 0) << verified.text;
  EXPECT_EQ(verified.text, "");
  // Tenths of what systemd calls exposure: 96 with nothing set.
  const Output security =
      run("systemd-analyze security --no-pager --offline=yes --threshold=20 " + path);
  EXPECT_EQ(security.status, 0) << security.text;
}

TEST(Packaging, AnswersHaveTimeToEndBeforeTheProcessIsKilled) {
  const std::string unit = content(kPackaging + "verge.service");
  EXPECT_GT(number_behind(unit, R"(TimeoutStopSec=(\d+))"),
            number_behind(unit, R"(--drain-timeout (\d+))"));
  EXPECT_GT(pod()["terminationGracePeriodSeconds"].as<int>(),
            number_behind(joined_arguments(), R"(--drain-timeout (\d+))"));
}

TEST(Packaging, TheServiceFindsTheDeployment) {
  const std::vector<YAML::Node> documents = cluster();
  ASSERT_EQ(documents.size(), 2u);
  const YAML::Node deployment = documents[0], service = documents[1];
  EXPECT_EQ(deployment["apiVersion"].as<std::string>(), "apps/v1");
  EXPECT_EQ(deployment["kind"].as<std::string>(), "Deployment");
  EXPECT_EQ(service["kind"].as<std::string>(), "Service");
  const auto labels = deployment["spec"]["template"]["metadata"]["labels"];
  for (const auto& [name, value] :
       service["spec"]["selector"].as<std::map<std::string, std::string>>()) {
    EXPECT_EQ(labels[name].as<std::string>(), value);
    EXPECT_EQ(deployment["spec"]["selector"]["matchLabels"][name].as<std::string>(), value);
  }
  const auto port = pod()["containers"][0]["ports"][0];
  EXPECT_EQ(service["spec"]["ports"][0]["targetPort"].as<std::string>(),
            port["name"].as<std::string>());
  const std::string docker = content(kPackaging + "Dockerfile");
  EXPECT_EQ(port["containerPort"].as<int>(), number_behind(docker, R"(EXPOSE (\d+))"));
  EXPECT_EQ(port["containerPort"].as<int>(), number_behind(docker, R"re("--port", "(\d+)")re"));
}

TEST(Packaging, ThePodIsRestricted) {
  const YAML::Node container = pod()["containers"][0];
  EXPECT_TRUE(pod()["securityContext"]["runAsNonRoot"].as<bool>());
  EXPECT_FALSE(pod()["automountServiceAccountToken"].as<bool>());
  EXPECT_FALSE(container["securityContext"]["allowPrivilegeEscalation"].as<bool>());
  EXPECT_TRUE(container["securityContext"]["readOnlyRootFilesystem"].as<bool>());
  EXPECT_EQ(container["securityContext"]["capabilities"]["drop"][0].as<std::string>(), "ALL");
  EXPECT_TRUE(container["resources"]["limits"]["memory"].IsDefined());
  for (const char* probe : {"startupProbe", "readinessProbe"}) {
    EXPECT_EQ(container[probe]["httpGet"]["path"].as<std::string>(), "/health");
  }
  const std::string user = "USER " + pod()["securityContext"]["runAsUser"].as<std::string>();
  EXPECT_NE(content(kPackaging + "Dockerfile").find(user), std::string::npos);
}

TEST(Packaging, EveryMountHasItsVolume) {
  std::set<std::string> volumes, mounts;
  for (const YAML::Node& volume : pod()["volumes"])
    volumes.insert(volume["name"].as<std::string>());
  for (const YAML::Node& mount : pod()["containers"][0]["volumeMounts"]) {
    mounts.insert(mount["name"].as<std::string>());
  }
  EXPECT_EQ(volumes, mounts);
}

TEST(Packaging, TheImageHasEveryLibraryOfTheProgram) {
  const std::string program = std::string(test::kBinaryDirectory) + "/verge";
  if (!std::filesystem::exists(program)) GTEST_SKIP() << "the program is not built";
  if (!has_program("objdump") || !has_program("dpkg")) GTEST_SKIP() << "objdump or dpkg is missing";
  const std::string docker = content(kPackaging + "Dockerfile");
  const std::string runtime = docker.substr(docker.rfind("FROM "));
  const std::vector<std::string> needed =
      matches(run("objdump -p " + program).text, R"(NEEDED +(\S+))");
  EXPECT_FALSE(needed.empty());
  std::string patterns;
  for (const std::string& library : needed) patterns += " '*/" + library + "'";
  const std::string owners = run("dpkg -S" + patterns).text;
  for (const std::string& library : needed) {
    bool is_there = false;
    for (const std::string& package :
         matches(lines_with(owners, "/" + library + "\n"), "(?:^|\n)([^:\n]+):")) {
      // Every Debian has the first two; sanitizers are not for images.
      is_there = is_there || package == "libc6" || package == "libgcc-s1" ||
                 package.find("san") != std::string::npos ||
                 runtime.find(' ' + package + ' ') != std::string::npos;
    }
    EXPECT_TRUE(is_there) << library;
  }
}

TEST(Packaging, TheHealthCheckIsShell) {
  if (!has_program("bash")) GTEST_SKIP() << "bash is not installed";
  const std::string docker = without_comments(content(kPackaging + "Dockerfile"));
  const std::vector<std::string> check = matches(docker, R"re("(exec 3<>[^\n]+)"\])re");
  ASSERT_EQ(check.size(), 1u);
  const std::string script = std::regex_replace(check.front(), std::regex(R"(\\\\)"), "\\");
  const test::TemporaryFolder folder;
  const Output parsed = run("bash -n " + folder.add("check", script));
  EXPECT_EQ(parsed.status, 0) << parsed.text;
}

}  // namespace
}  // namespace verge
