#pragma once
// Result<T>: a value or an Error, for everything the outside world can cause (files, peers, users,
// memory). A bug in Verge itself is VERGE_CHECK instead, which throws InternalError with its
// operands.
//
//   Result<Model> model = load(path);
//   if (!model) return model.error();
//   VERGE_TRY(auto header, read_header(file));   // the same, in one line

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

namespace verge {

/// Why something failed. Stable: scripts and HTTP clients see these names.
enum class Code {
  InvalidArgument,  // the caller asked for something that makes no sense
  NotFound,         // a file, model, tensor or key that is not there
  Malformed,        // bytes from outside that break their format
  Unsupported,      // valid, but not something this build can do
  OutOfMemory,      // would not fit in the memory that is there or allowed
  Io,               // the operating system refused
  Cancelled,        // the user or a deadline stopped it
  Conflict,         // the state changed underneath
  Busy,             // full at the moment; the same request can succeed later
  Denied,           // the caller did not show that they may
  Internal,         // a bug
};

std::string_view name(Code code);

/// Exit status of the command line: 2 for wrong use, 1 for everything else.
int exit_status(Code code);

/// Status of an HTTP answer.
int http_status(Code code);

/// What went wrong, where, and what to do about it: "FILE: FIELD is WRONG; REMEDY".
struct Error {
  Code code = Code::Internal;
  std::string message;
};

template <typename... Args>
Error make_error(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return Error{code, fmt::format(format, std::forward<Args>(args)...)};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}

  explicit operator bool() const { return ok_; }
  bool ok() const { return ok_; }
  const Error& error() const { return error_; }

 private:
  Error error_;
  bool ok_ = true;
};

using Status = Result<void>;

/// Thrown by VERGE_CHECK: a bug in Verge, never bad input.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

namespace detail {
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               std::string operands);

template <typename... Args>
std::string show_operands(const char* names, const Args&... args) {
  std::string text;
  if constexpr (sizeof...(args) > 0) {
    text = fmt::format("; ({}) =", names);
    ((text += fmt::format(" {}", args)), ...);
  } else {
    (void)names;
  }
  return text;
}
}  // namespace detail
}  // namespace verge

#define VERGE_CONCAT_(a, b) a##b
#define VERGE_CONCAT(a, b) VERGE_CONCAT_(a, b)

/// VERGE_TRY(auto x, f()): declares x from a Result or returns its error.
#define VERGE_TRY(declaration, ...) \
  VERGE_TRY_(declaration, VERGE_CONCAT(verge_try_, __COUNTER__), __VA_ARGS__)
#define VERGE_TRY_(declaration, temporary, ...)  \
  auto temporary = (__VA_ARGS__);                \
  if (!temporary.ok()) return temporary.error(); \
  declaration = std::move(temporary).value()

/// VERGE_RETURN_IF_ERROR(f()): returns the error of a Status, if any.
#define VERGE_RETURN_IF_ERROR(...)                               \
  do {                                                           \
    if (auto verge_status = (__VA_ARGS__); !verge_status.ok()) { \
      return verge_status.error();                               \
    }                                                            \
  } while (false)

/// VERGE_CHECK(rank < shape.rank(), rank): an invariant of Verge; prints its operands when it
/// fails.
#define VERGE_CHECK(condition, ...)                                                 \
  do {                                                                              \
    if (!(condition)) [[unlikely]] {                                                \
      ::verge::detail::check_failed(                                                \
          __FILE__, __LINE__, #condition,                                           \
          ::verge::detail::show_operands(#__VA_ARGS__ __VA_OPT__(, ) __VA_ARGS__)); \
    }                                                                               \
  } while (false)
