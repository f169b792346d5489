#include <limits>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <fmt/format.h>

#include <verge/core/result.hpp>
#include <verge/platform/http/wire/field_value.hpp>
#include <verge/platform/http/wire/request_reader.hpp>
#include <verge/platform/http/wire/target.hpp>

namespace verge::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;
using beast::string_view;

// "0 CR LF CR LF" ends a chunked body, so that as much always follows; Beast asserts that it has
// it.
constexpr size_t kLeastOfChunks = 5;

// Beast's grammar; what it finds goes straight into a Request.
class Grammar : public beast::http::basic_parser<true> {
 public:
  explicit Grammar(const ReaderLimits& limits) : most_fields_(limits.header_fields) {
    header_limit(static_cast<uint32_t>(limits.header_bytes));
    body_limit(std::numeric_limits<uint64_t>::max());
  }

  Request request;
  std::optional<Fault> fault;
  size_t most_body = 0;

 private:
  static std::string text(string_view view) { return {view.data(), view.size()}; }

  void refuse(int status, std::string message, error_code& ec) {
    fault = Fault{status, std::move(message)};
    ec = beast::http::error::bad_value;
  }

  void on_request_impl(beast::http::verb, string_view method, string_view target, int version,
                       error_code&) override {
    request.method = text(method);
    request.target = text(target);
    request.minor_version = version - 10;
  }
  void on_response_impl(int, string_view, int, error_code&) override {}

  void on_field_impl(beast::http::field, string_view name, string_view value,
                     error_code& ec) override {
    if (is_header_done()) return;  // a trailer: nobody may rely on it
    if (request.headers.size() == most_fields_) {
      return refuse(431, fmt::format("more than {} header fields", most_fields_), ec);
    }
    request.headers.add(text(name), text(value));
  }

  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  void on_chunk_header_impl(uint64_t size, string_view, error_code& ec) override {
    check_body(size, ec);
  }
  size_t on_body_impl(string_view piece, error_code& ec) override { return take(piece, ec); }
  size_t on_chunk_body_impl(uint64_t, string_view piece, error_code& ec) override {
    return take(piece, ec);
  }
  void on_finish_impl(error_code&) override {}

  void check_body(uint64_t more, error_code& ec) {
    if (more <= most_body && request.body.size() <= most_body - more) return;
    refuse(413, fmt::format("the body is longer than the {} bytes allowed here", most_body), ec);
  }

  size_t take(string_view piece, error_code& ec) {
    check_body(piece.size(), ec);
    if (!ec) request.body.append(piece.data(), piece.size());
    return piece.size();
  }

  size_t most_fields_;
};

bool names_another_version(std::string_view input) {
  const std::string_view line = input.substr(0, input.find('\r'));
  const size_t version = line.rfind(" HTTP/");
  if (version == std::string_view::npos) return false;
  const std::string_view digits = line.substr(version + 6);
  return digits.size() == 3 && digits != "1.0" && digits != "1.1" && digits[0] >= '0' &&
         digits[0] <= '9' && digits[1] == '.' && digits[2] >= '0' && digits[2] <= '9';
}

Fault fault_of(const error_code& ec, std::string_view input) {
  if (ec == beast::http::error::header_limit) return {431, "the request header is too long"};
  if (ec == beast::http::error::bad_version && names_another_version(input)) {
    return {505, "this server speaks HTTP/1.1 and HTTP/1.0"};
  }
  return {400, fmt::format("malformed request: {}", ec.message())};
}

std::optional<Fault> fault_of_coding(const Request& request) {
  const std::string* coding = request.headers.find("Transfer-Encoding");
  if (coding == nullptr) return std::nullopt;
  if (request.minor_version == 0) {
    return Fault{400, "malformed request: HTTP/1.0 has no Transfer-Encoding"};
  }
  if (request.headers.count("Transfer-Encoding") == 1 && equal_without_case(*coding, "chunked")) {
    return std::nullopt;
  }
  return Fault{501, "the only transfer coding understood is \"chunked\""};
}

std::optional<Fault> fault_of_fields(const Request& request) {
  const size_t hosts = request.headers.count("Host");
  if (hosts > 1 || (hosts == 0 && request.minor_version == 1)) {
    return Fault{400, "malformed request: it needs one Host field"};
  }
  const std::string* expect = request.headers.find("Expect");
  if (expect != nullptr && !equal_without_case(*expect, "100-continue")) {
    return Fault{417, "the only expectation understood is 100-continue"};
  }
  return fault_of_coding(request);
}

}  // namespace

struct RequestReader::Parser {
  std::optional<Grammar> grammar;
  size_t header_used = 0;
  size_t path_begin = 0, path_size = 0;
  bool is_header_told = false;

  Progress refuse(Fault fault) {
    grammar->fault = std::move(fault);
    return Progress::Refused;
  }

  // Everything but More ends the header.
  Progress read_header(std::string_view input, size_t& used, const ReaderLimits& limits);
  Progress read_body(std::string_view input, size_t& used, const ReaderLimits& limits);
  Progress take_target();
};

Progress RequestReader::Parser::read_header(std::string_view input, size_t& used,
                                            const ReaderLimits& limits) {
  if (header_used == 0) {
    // Empty lines before a request are ignored (RFC 9112, 2.2).
    while (input.substr(used).starts_with("\r\n")) used += 2;
    input.remove_prefix(used);
  }
  if (input.empty() || (header_used == 0 && input == "\r")) return Progress::More;
  error_code ec;
  const size_t taken = grammar->put(boost::asio::buffer(input.data(), input.size()), ec);
  used += taken;
  header_used += taken;
  if (grammar->fault) return Progress::Refused;
  const bool is_more = ec == beast::http::error::need_more;
  if (header_used + (is_more ? input.size() - taken : 0) > limits.header_bytes) {
    return refuse(
        {431, fmt::format("the request header is longer than {} bytes", limits.header_bytes)});
  }
  if (is_more) return Progress::More;
  if (ec) return refuse(fault_of(ec, input));
  if (std::optional<Fault> fault = fault_of_fields(grammar->request)) {
    return refuse(std::move(*fault));
  }
  return take_target();
}

Progress RequestReader::Parser::take_target() {
  Request& request = grammar->request;
  const Result<Target> target = split_target(request.method, request.target);
  if (!target) return refuse({400, "malformed request: " + target.error().message});
  std::optional<std::string> path = percent_decoded(target->path);
  if (!path) {
    return refuse({400, "malformed request: the path has a '%' without two hexadecimal digits"});
  }
  Result<std::vector<Field>> query = parse_query(target->query);
  if (!query) return refuse({400, "malformed request: " + query.error().message});
  const bool is_within = target->path.data() >= request.target.data() &&
                         target->path.data() < request.target.data() + request.target.size();
  path_size = is_within ? target->path.size() : 0;
  path_begin = is_within ? static_cast<size_t>(target->path.data() - request.target.data()) : 0;
  request.path = std::move(*path);
  request.query = std::move(*query);
  is_header_told = true;
  grammar->eager(true);
  return Progress::Header;
}

Progress RequestReader::Parser::read_body(std::string_view input, size_t& used,
                                          const ReaderLimits& limits) {
  if (grammar->is_done()) return Progress::Complete;
  if (input.empty() || (grammar->chunked() && input.size() < kLeastOfChunks)) return Progress::More;
  error_code ec;
  used = grammar->put(boost::asio::buffer(input.data(), input.size()), ec);
  if (grammar->fault) return Progress::Refused;
  if (grammar->is_done()) return Progress::Complete;
  if (ec && ec != beast::http::error::need_more) return refuse(fault_of(ec, {}));
  if (input.size() - used > limits.header_bytes) {
    return refuse({400, "malformed request: the head of a chunk or the trailer is too long"});
  }
  return Progress::More;
}

RequestReader::RequestReader(ReaderLimits limits)
    : parser_(std::make_unique<Parser>()), limits_(limits) {
  reset();
}

RequestReader::~RequestReader() = default;

Progress RequestReader::advance(std::string_view input, size_t& used) {
  used = 0;
  if (parser_->grammar->fault) return Progress::Refused;
  return parser_->is_header_told ? parser_->read_body(input, used, limits_)
                                 : parser_->read_header(input, used, limits_);
}

Progress RequestReader::limit_body(size_t bytes) {
  parser_->grammar->most_body = bytes;
  if (content_length().value_or(0) <= bytes) return Progress::More;
  return parser_->refuse(
      {413, fmt::format("the body is longer than the {} bytes allowed here", bytes)});
}

Request& RequestReader::request() {
  return parser_->grammar->request;
}

std::string_view RequestReader::encoded_path() const {
  const std::string_view target = parser_->grammar->request.target;
  // "http://host" has no path of its own.
  if (parser_->path_size == 0) return "/";
  return target.substr(parser_->path_begin, parser_->path_size);
}

const Fault& RequestReader::fault() const {
  return *parser_->grammar->fault;
}

bool RequestReader::keep_alive() const {
  return parser_->grammar->keep_alive();
}

bool RequestReader::expects_continue() const {
  const Request& request = parser_->grammar->request;
  return request.minor_version == 1 && request.headers.find("Expect") != nullptr;
}

bool RequestReader::has_body() const {
  return parser_->grammar->chunked() || content_length().value_or(0) > 0;
}

std::optional<uint64_t> RequestReader::content_length() const {
  const boost::optional<uint64_t> length = parser_->grammar->content_length();
  return length ? std::optional<uint64_t>(*length) : std::nullopt;
}

bool RequestReader::has_started() const {
  return parser_->header_used > 0;
}

void RequestReader::reset() {
  *parser_ = Parser();
  parser_->grammar.emplace(limits_);
}

}  // namespace verge::http
