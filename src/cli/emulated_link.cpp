#include <charconv>
#include <filesystem>

#include <verge/cli/emulated_link.hpp>
#include <verge/platform/net/link/shaped_channel.hpp>

namespace verge::cli {
namespace {

// "23mbit" with the unit "mbit" is 23.
std::optional<double> number_of(std::string_view text, std::string_view unit) {
  if (!text.ends_with(unit)) return std::nullopt;
  text.remove_suffix(unit.size());
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<net::LinkTrace> constant_of(const std::string& text) {
  const size_t comma = text.find(',');
  if (comma == std::string::npos) return std::nullopt;
  const auto rate = number_of(text.substr(0, comma), "mbit");
  const auto delay = number_of(text.substr(comma + 1), "ms");
  if (!rate || !delay) return std::nullopt;
  return net::constant_link(*rate * 1e6, *delay * 1e-3);
}

}  // namespace

void EmulatedLinkOptions::declare(Parser& parser) {
  parser.add_option("--link", link,
                    "Make the way out as slow as \"23mbit,20ms\" (rate, one-way delay), or as a "
                    "trace FILE or FILE:NAME");
}

Result<std::optional<net::LinkTrace>> EmulatedLinkOptions::read() const {
  if (link.empty()) return std::optional<net::LinkTrace>();
  if (auto constant = constant_of(link)) return constant;
  const bool is_file = std::filesystem::exists(link);
  const size_t colon = is_file ? std::string::npos : link.rfind(':');
  if (!is_file && colon == std::string::npos) {
    return make_error(Code::InvalidArgument,
                      "--link {}: there is no such file; give 23mbit,20ms, or a trace's FILE:NAME",
                      link);
  }
  VERGE_TRY(net::LinkTrace trace,
            net::read_link_trace(link.substr(0, colon), is_file ? "" : link.substr(colon + 1)));
  return std::optional(std::move(trace));
}

Result<std::unique_ptr<Channel>> shape(std::unique_ptr<Channel> channel,
                                       const std::optional<net::LinkTrace>& link,
                                       const Clock& clock) {
  if (!link) return channel;
  VERGE_TRY(net::LinkModel model, net::LinkModel::make({.trace = *link}));
  return std::unique_ptr<Channel>(
      std::make_unique<net::ShapedChannel>(std::move(channel), std::move(model), clock));
}

}  // namespace verge::cli
