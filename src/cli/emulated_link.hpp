#pragma once
// --link: a connection made to behave like another one, for trying things out on one machine.

#include <memory>
#include <optional>
#include <string>

#include <verge/cli/parser.hpp>
#include <verge/core/channel.hpp>
#include <verge/core/clock.hpp>
#include <verge/platform/net/link/link_trace.hpp>

namespace verge::cli {

struct EmulatedLinkOptions {
  void declare(Parser& parser);
  /// Of "23mbit,20ms", or of "FILE" or "FILE:NAME" of traces; nothing where the option is not
  /// given. InvalidArgument for other words, else as read_link_trace.
  Result<std::optional<net::LinkTrace>> read() const;

  std::string link = {};
};

/// What is sent passes the trace; the channel itself without one.
Result<std::unique_ptr<Channel>> shape(std::unique_ptr<Channel> channel,
                                       const std::optional<net::LinkTrace>& link,
                                       const Clock& clock);

}  // namespace verge::cli
