#pragma once
// Runs the command line in this process, as main() would.

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/cli/application.hpp>

namespace verge::test {

struct Ran {
  int status = 0;
  std::string out;
  std::string err;
};

inline Ran run_verge(std::vector<std::string> arguments) {
  std::ostringstream out, err;
  ::setenv("VERGE_CONFIG", "/nonexistent", 1);  // the user's own defaults stay out of tests,
  ::setenv("VERGE_HOME", "/nonexistent", 0);    // and his models
  const int status = cli::run_application(arguments, out, err);
  return {status, out.str(), err.str()};
}

/// The JSON object that a command printed; an empty one, and a failure, if it printed none.
inline nlohmann::json run_json(std::vector<std::string> arguments) {
  arguments.push_back("--json");
  const Ran ran = run_verge(std::move(arguments));
  EXPECT_EQ(ran.status, 0) << ran.err;
  auto json = nlohmann::json::parse(ran.out, nullptr, false);
  EXPECT_TRUE(json.is_object()) << ran.out;
  return json;
}

inline void expect_fields(const nlohmann::json& json, std::initializer_list<const char*> names) {
  for (const char* name : names) EXPECT_TRUE(json.contains(name)) << name << " in " << json.dump();
}

/// A refusal is the exit status and one line that contains `part`.
inline void expect_refused(const Ran& ran, int status, const std::string& part) {
  EXPECT_EQ(ran.status, status) << ran.err;
  EXPECT_NE(ran.err.find(part), std::string::npos) << ran.err;
}

}  // namespace verge::test
