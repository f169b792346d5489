#include <verge/engine/model/exit_heads.hpp>

namespace verge::model {

void write_exit_heads(std::span<const ExitHead> heads, format::Metadata& metadata) {
  std::vector<std::string> old;
  for (const format::Entry& entry : metadata.entries()) {
    if (entry.key.starts_with("verge.exit")) old.emplace_back(entry.key);
  }
  for (const std::string& key : old) metadata.remove(key);
  if (heads.empty()) return;
  std::vector<int32_t> layers;
  std::vector<float> temperatures;
  for (const ExitHead& head : heads) {
    layers.push_back(static_cast<int32_t>(head.after));
    temperatures.push_back(static_cast<float>(head.temperature));
    metadata.set_array<float>(fmt::format("verge.exit.{}.norm", head.after), head.norm);
  }
  metadata.set_array<int32_t>("verge.exit_layers", layers);
  metadata.set_array<float>("verge.exit.temperature", temperatures);
}

}  // namespace verge::model
