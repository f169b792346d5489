#include <cmath>

#include <verge/stages/serve/collab/field_reader.hpp>

namespace verge::serve {
namespace {

constexpr size_t kMostWordBytes = 128;
constexpr int64_t kMostBranches = int64_t{1} << 40;
constexpr int64_t kMostMicroseconds = int64_t{1} << 46;

}  // namespace

void FieldReader::refuse(std::string_view field, std::string_view found, std::string_view legal) {
  if (!status_) return;
  status_ =
      make_error(Code::Malformed, "{}: {} is {}; it must be {}", message_, field, found, legal);
}

int64_t FieldReader::integer(std::string_view field, int64_t value, int64_t least, int64_t most) {
  if (value < least || value > most) {
    refuse(field, std::to_string(value), fmt::format("{} to {}", least, most));
  }
  return std::min(std::max(value, least), most);
}

double FieldReader::seconds(std::string_view field, int64_t us) {
  return static_cast<double>(integer(field, us, 0, kMostMicroseconds)) * 1e-6;
}

std::string FieldReader::word(std::string_view field, const std::string& text) {
  if (text.empty() || text.size() > kMostWordBytes) {
    refuse(field, fmt::format("{} bytes", text.size()), fmt::format("1 to {}", kMostWordBytes));
  }
  return text;
}

int64_t FieldReader::branch_number(int64_t number) {
  return integer("branch", number, 0, kMostBranches);
}

text::SamplerOptions FieldReader::sampling(const wire::Sampling& body, int64_t vocab) {
  text::SamplerOptions sampling;
  sampling.temperature = body.temperature();
  sampling.top_k = body.top_k();
  sampling.typical_p = body.typical_p();
  sampling.top_p = body.top_p();
  sampling.min_p = body.min_p();
  sampling.seed = body.seed();
  const Status legal = text::validate(sampling, static_cast<int32_t>(vocab));
  if (!legal && status_) {
    status_ = make_error(Code::Malformed, "{}: {}", message_, legal.error().message);
  }
  return sampling;
}

int64_t to_us(double seconds) {
  return std::llround(std::clamp(seconds * 1e6, 0.0, static_cast<double>(kMostMicroseconds)));
}

}  // namespace verge::serve
