#pragma once
// FieldReader: fields of a message's body, each within its limits, for who reads the protocol
// (protocol.cpp); and what its writers share.
//
//   FieldReader reader("finish");
//   finish.position = reader.integer("position", body.position(), 0, limits.context - 1);
//   return checked(reader, finish);

#include <algorithm>

#include <verge/stages/serve/collab/collab.pb.h>
#include <verge/stages/serve/collab/protocol.hpp>

namespace verge::serve {

/// What is wrong is named by the first field that is.
class FieldReader {
 public:
  /// `message`: its name, which must outlive it.
  explicit FieldReader(std::string_view message) : message_(message) {}

  void refuse(std::string_view field, std::string_view found, std::string_view legal);
  /// The nearest legal value where it is refused, so that others may be reckoned from it.
  int64_t integer(std::string_view field, int64_t value, int64_t least, int64_t most);
  double seconds(std::string_view field, int64_t us);
  std::string word(std::string_view field, const std::string& text);
  /// `all`: a repeated field.
  std::vector<std::string> words(std::string_view field, const auto& all) {
    integer(field, all.size(), 1, kMostWords);
    std::vector<std::string> read;
    for (int i = 0; i < std::min(all.size(), kMostWords); ++i) read.push_back(word(field, all[i]));
    return read;
  }
  /// A branch's number, where no more is said of it.
  int64_t branch_number(int64_t number);
  TextBranch branch(const auto& body, int64_t context) {
    const int64_t number = branch_number(body.branch());
    return {number, integer("branch_from", body.branch_from(), 0, number > 0 ? context : 0)};
  }
  text::SamplerOptions sampling(const wire::Sampling& body, int64_t vocab);
  const Status& status() const { return status_; }

 private:
  static constexpr int kMostWords = 32;
  std::string_view message_;
  Status status_;
};

/// Microseconds as they travel.
int64_t to_us(double seconds);

template <typename Body>
Message pack_body(CollabKind kind, const Body& body) {
  return {.kind = static_cast<uint32_t>(kind), .body = body.SerializeAsString(), .tensors = {}};
}

template <typename Body>
void set_branch(Body& body, const TextBranch& branch) {
  body.set_branch(branch.number);
  body.set_branch_from(branch.from);
}

template <typename Read>
Result<Read> checked(const FieldReader& reader, Read read) {
  if (!reader.status()) return reader.status().error();
  return read;
}

}  // namespace verge::serve
