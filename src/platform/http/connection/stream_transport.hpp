#pragma once
// The Transport over an Asio stream, plain or TLS. Included by the sources of the two only.

#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>

#include <verge/platform/http/connection/transport.hpp>

namespace verge::http {

using ErrorCode = boost::system::error_code;

// TCP of both kinds and local sockets alike. The executor's type is named, for speed.
using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol,
                                                boost::asio::io_context::executor_type>;

template <typename Stream>
void start_read(Stream& stream, UserPointer user, std::span<char> space) {
  stream.async_read_some(boost::asio::buffer(space.data(), space.size()),
                         [user = std::move(user)](const ErrorCode& ec, size_t bytes) {
                           const bool is_end = ec == boost::asio::error::eof;
                           user->on_read(ec ? 0 : bytes, is_end);
                         });
}

template <typename Stream>
void start_write(Stream& stream, UserPointer user, std::span<const std::string_view> parts) {
  auto done = [user = std::move(user)](const ErrorCode& ec, size_t) { user->on_written(!ec); };
  if (parts.size() == 1) {
    boost::asio::async_write(stream, boost::asio::buffer(parts[0].data(), parts[0].size()),
                             std::move(done));
    return;
  }
  std::array<boost::asio::const_buffer, Transport::kMostParts> buffers;
  for (size_t i = 0; i < parts.size(); ++i) {
    buffers[i] = boost::asio::const_buffer(parts[i].data(), parts[i].size());
  }
  boost::asio::async_write(stream, buffers, std::move(done));
}

}  // namespace verge::http
