#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/cli/access_log.hpp>

namespace verge::cli {
namespace {

http::AccessRecord record() {
  http::AccessRecord record;
  record.id = "r1";
  record.peer = "127.0.0.1";
  record.method = "POST";
  record.target = "/v1/chat/completions";
  record.status = 200;
  record.answer_bytes = 321;
  record.seconds = 0.25;
  return record;
}

std::string logged(AccessLog::Format format, const http::AccessRecord& record) {
  std::ostringstream out;
  AccessLog log(out, format, [] { return int64_t{0}; });
  log.add(record);
  return out.str();
}

TEST(AccessLog, ALineIsForPeople) {
  EXPECT_EQ(logged(AccessLog::Format::Text, record()),
            "1970-01-01T00:00:00Z 127.0.0.1 POST /v1/chat/completions 200 321 B 0.250 s r1\n");
  http::AccessRecord cut = record();
  cut.cut = "client gone";
  EXPECT_NE(logged(AccessLog::Format::Text, cut).find("cut: client gone"), std::string::npos);
}

TEST(AccessLog, OrForMachines) {
  const auto json = nlohmann::json::parse(logged(AccessLog::Format::Json, record()));
  EXPECT_EQ(json["status"], 200);
  EXPECT_EQ(json["target"], "/v1/chat/completions");
}

TEST(AccessLog, NobodyWritesLinesOfHisOwn) {
  http::AccessRecord forged = record();
  forged.target = "/\n1970 fine\x1B[31m";
  for (const auto format : {AccessLog::Format::Text, AccessLog::Format::Json}) {
    const std::string line = logged(format, forged);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_EQ(line.find('\x1B'), std::string::npos);
  }
}

TEST(AccessLog, NotesAreDated) {
  std::ostringstream out;
  AccessLog log(out, AccessLog::Format::Text, [] { return int64_t{60}; });
  log.note("draining");
  EXPECT_EQ(out.str(), "1970-01-01T00:01:00Z draining\n");
}

}  // namespace
}  // namespace verge::cli
