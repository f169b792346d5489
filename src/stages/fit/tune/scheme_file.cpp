#include <nlohmann/json.hpp>

#include <verge/core/file.hpp>
#include <verge/stages/fit/tune/scheme_file.hpp>

namespace verge::fit {
namespace {

using nlohmann::ordered_json;
using nn::ChannelChoice;
using nn::LayerUpdate;
using nn::UpdateKind;

constexpr std::pair<ChannelChoice, std::string_view> kChoices[] = {
    {ChannelChoice::LargestNorm, "magnitude+"},
    {ChannelChoice::SmallestNorm, "magnitude-"},
    {ChannelChoice::Random, "random"}};
constexpr std::pair<UpdateKind, std::string_view> kKinds[] = {
    {UpdateKind::None, "none"}, {UpdateKind::Bias, "bias"}, {UpdateKind::Full, "full"}};

ordered_json to_json(const LayerUpdate& update) {
  for (const auto& [kind, name] : kKinds) {
    if (kind == update.kind) return name;
  }
  if (update.choice == ChannelChoice::Given) return {{"channels", update.channels}};
  for (const auto& [choice, name] : kChoices) {
    if (choice == update.choice) return {{"ratio", update.ratio}, {"select", name}};
  }
  return nullptr;
}

class Reader {
 public:
  explicit Reader(std::string_view name) : name_(name) {}

  Result<SchemeFile> file(const ordered_json& json) const {
    SchemeFile file;
    if (!json.is_object()) return fail("it is no object");
    for (const auto& [key, value] : json.items()) {
      if (key == "model" && value.is_string()) {
        file.model = value.get<std::string>();
      } else if (key == "layers" && value.is_object()) {
        for (const auto& [layer, update] : value.items()) {
          VERGE_TRY(file.scheme.layers[layer], layer_update(layer, update));
        }
      } else if (key == "lora") {
        VERGE_TRY(file.scheme.lora, low_rank(value));
      } else {
        return fail(
            fmt::format("\"{}\" is none of model, layers and lora, or of another kind", key));
      }
    }
    return file;
  }

 private:
  Error fail(std::string_view what) const {
    return make_error(Code::Malformed,
                      "{}: {}; a scheme is {{\"layers\": {{...}}, \"lora\": {{...}}}}", name_,
                      what);
  }

  Error bad_layer(const std::string& layer) const {
    return make_error(Code::Malformed,
                      "{}: layer {}: give \"none\", \"bias\", \"full\", {{\"ratio\": 0 to 1, "
                      "\"select\": \"magnitude+\", \"magnitude-\" or \"random\"}} or "
                      "{{\"channels\": [...]}}",
                      name_, layer);
  }

  Result<LayerUpdate> layer_update(const std::string& layer, const ordered_json& json) const {
    if (json.is_string()) {
      for (const auto& [kind, name] : kKinds) {
        if (json.get_ref<const std::string&>() == name) return LayerUpdate{.kind = kind};
      }
      return bad_layer(layer);
    }
    LayerUpdate update{.kind = UpdateKind::Channels};
    if (!json.is_object() || json.contains("channels") == json.contains("ratio") ||
        (json.contains("channels") && json.contains("select"))) {
      return bad_layer(layer);
    }
    for (const auto& [key, value] : json.items()) {
      if (key == "ratio" && value.is_number()) {
        update.ratio = value.get<double>();
        if (!(update.ratio >= 0 && update.ratio <= 1)) return bad_layer(layer);
      } else if (key == "select" && value.is_string()) {
        const auto* at = std::ranges::find(kChoices, value.get_ref<const std::string&>(),
                                           &std::pair<ChannelChoice, std::string_view>::second);
        if (at == std::end(kChoices)) return bad_layer(layer);
        update.choice = at->first;
      } else if (key == "channels" && value.is_array()) {
        update.choice = ChannelChoice::Given;
        for (const ordered_json& channel : value) {
          if (!channel.is_number_integer()) return bad_layer(layer);
          const auto number = channel.get<int64_t>();
          if (number < 0 || number > INT32_MAX) return bad_layer(layer);
          update.channels.push_back(static_cast<int32_t>(number));
        }
      } else {
        return bad_layer(layer);
      }
    }
    return update;
  }

  Result<graph::LowRank> low_rank(const ordered_json& json) const {
    constexpr int64_t kMostRank = 4096;
    const bool is_whole =
        json.is_object() && json.contains("rank") && json["rank"].is_number_integer();
    if (!is_whole) return fail("\"lora\" needs a whole \"rank\"");
    graph::LowRank form{.rank = json["rank"].get<int64_t>()};
    form.alpha = 2 * static_cast<double>(form.rank);
    if (json.contains("alpha")) {
      if (!json["alpha"].is_number()) return fail("\"alpha\" is no number");
      form.alpha = json["alpha"].get<double>();
    }
    if (form.rank < 1 || form.rank > kMostRank || !(form.alpha > 0)) {
      return fail(fmt::format("ranks are from 1 to {}, alpha is above 0", kMostRank));
    }
    return form;
  }

  std::string_view name_;
};

}  // namespace

std::string print_scheme(const SchemeFile& file) {
  ordered_json json = {{"model", file.model}, {"layers", ordered_json::object()}};
  for (const auto& [name, update] : file.scheme.layers) json["layers"][name] = to_json(update);
  if (file.scheme.lora) {
    json["lora"] = {{"rank", file.scheme.lora->rank}, {"alpha", file.scheme.lora->alpha}};
  }
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

Result<SchemeFile> parse_scheme(std::string_view text, std::string_view name) {
  constexpr int kMostDepth = 8;
  const auto shallow = [](int depth, ordered_json::parse_event_t, ordered_json&) {
    return depth < kMostDepth;
  };
  const ordered_json json = ordered_json::parse(text, shallow, false);
  if (json.is_discarded()) {
    return make_error(Code::Malformed, "{}: no JSON; see `verge compile --help`", name);
  }
  return Reader(name).file(json);
}

Result<nn::UpdateScheme> read_scheme(const std::string& path, std::string_view model_hash) {
  constexpr size_t kMostBytes = size_t{16} << 20;
  VERGE_TRY(const std::string text, read_whole_file(path, kMostBytes));
  VERGE_TRY(SchemeFile file, parse_scheme(text, path));
  if (file.model.empty() || file.model == model_hash) return std::move(file.scheme);
  return make_error(Code::Conflict,
                    "{}: for the model {}, this one is {}; search a scheme for it, or take the "
                    "\"model\" out",
                    path, file.model, model_hash);
}

}  // namespace verge::fit
