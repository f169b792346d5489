#include <verge/cli/exit_policy.hpp>
#include <verge/cli/json.hpp>
#include <verge/core/file.hpp>
#include <verge/platform/net/codec/tensor_codec.hpp>

namespace verge::cli {
namespace {

constexpr int64_t kMostBytes = 1 << 20;

Error bad(const std::string& path, const char* field, const char* wanted) {
  return make_error(Code::Malformed, "{}: {} must be {}; make it anew with `verge fit exits`", path,
                    field, wanted);
}

// A pair of numbers within [least, most].
template <typename T>
bool read_pair(const Json& json, const char* field, double least, double most,
               std::array<T, 2>& pair) {
  const auto found = json.find(field);
  if (found == json.end() || !found->is_array() || found->size() != 2) return false;
  for (size_t i = 0; i < 2; ++i) {
    if (!(*found)[i].is_number()) return false;
    const auto value = (*found)[i].get<double>();
    if (!(value >= least && value <= most)) return false;
    pair[i] = static_cast<T>(value);
  }
  return true;
}

// Nothing where a number is absent or negative.
std::optional<serve::NodeCost> read_machine(const Json& json) {
  const auto number = [&](const char* field) {
    const auto found = json.find(field);
    return found != json.end() && found->is_number() ? found->get<double>() : -1;
  };
  const serve::NodeCost node{
      .layer = {.base_s = number("layer_base_s"), .row_s = number("layer_row_s")},
      .head_s = number("head_s")};
  const bool is_whole = node.layer.base_s >= 0 && node.layer.row_s >= 0 && node.head_s >= 0;
  return is_whole ? std::optional(node) : std::nullopt;
}

}  // namespace

Json to_json(const serve::NodeCost& node) {
  return {{"layer_base_s", node.layer.base_s},
          {"layer_row_s", node.layer.row_s},
          {"head_s", node.head_s}};
}

Status write_policy(const ExitPolicy& policy, const std::string& path) {
  Json json = {{"model_hash", policy.model_hash},
               {"exits", policy.exits},
               {"thetas", policy.thetas},
               {"temperatures", policy.temperatures},
               {"measure", serve::name(policy.measure)},
               {"codec", policy.codec},
               {"codec_kl", policy.codec_kl},
               {"agreement", policy.agreement},
               {"disagreement_bound", policy.bound},
               {"predicted_cloud_rate", policy.cloud_rate},
               {"text_sha256", policy.text_sha256},
               {"records", policy.records}};
  if (policy.machine) json["machine"] = to_json(*policy.machine);
  return write_whole_file(path, json.dump(2) + "\n");
}

Result<ExitPolicy> read_policy(const std::string& path) {
  VERGE_TRY(const std::string text, read_whole_file(path, kMostBytes));
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return make_error(Code::Malformed, "{}: is no policy; `verge fit exits` writes them", path);
  }
  ExitPolicy policy;
  if (!read_pair(json, "exits", 1, 1e6, policy.exits)) return bad(path, "exits", "two layers");
  if (!read_pair(json, "thetas", 0, 1, policy.thetas)) {
    return bad(path, "thetas", "two numbers of 0 to 1");
  }
  if (!read_pair(json, "temperatures", 1e-3, 1e3, policy.temperatures)) {
    return bad(path, "temperatures", "two numbers above 0");
  }
  const auto text_of = [&](const char* field) {
    const auto found = json.find(field);
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
  };
  const auto measure = serve::confidence_measure(text_of("measure"));
  if (!measure) return bad(path, "measure", "a measure of confidence");
  policy.measure = *measure;
  if (json.contains("codec")) policy.codec = text_of("codec");
  if (!std::ranges::count(net::codec_names(), policy.codec)) {
    return bad(path, "codec", "a codec of hidden states");
  }
  if (const auto found = json.find("machine"); found != json.end()) {
    policy.machine = read_machine(*found);
    if (!policy.machine) return bad(path, "machine", "times of 0 or more");
  }
  policy.model_hash = text_of("model_hash");
  policy.text_sha256 = text_of("text_sha256");
  return policy;
}

Status check_policy(const ExitPolicy& policy, const std::string& path,
                    const std::string& model_hash, std::array<int64_t, 2> exits) {
  if (policy.model_hash != model_hash) {
    return make_error(Code::Conflict,
                      "{}: is of another model ({:.12}..., this one is {:.12}...); fit one with "
                      "`verge fit exits`",
                      path, policy.model_hash, model_hash);
  }
  if (policy.exits == exits) return {};
  return make_error(Code::Conflict,
                    "{}: is for exits after {} and {} layers, the model was split after {} and {}; "
                    "fit one for these",
                    path, policy.exits[0], policy.exits[1], exits[0], exits[1]);
}

}  // namespace verge::cli
