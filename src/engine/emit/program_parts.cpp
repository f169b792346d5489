#include <verge/engine/emit/program_parts.hpp>

namespace verge::emit {

const std::string_view kPrinting = R"(
static void print(int file, const char *text) {
  const size_t length = strlen(text);
  if (write(file, text, length) != (long)length) _Exit(1);
}

static void print_integer(long value) {
  char digits[24];
  char *at = digits + sizeof digits;
  *--at = 0;
  do {
    *--at = (char)('0' + value % 10);
  } while ((value /= 10) > 0);
  print(1, at);
}

/* Prints a text, and another, and ends. */
static void fail(const char *text, const char *of) {
  print(2, of);
  print(2, text);
  _Exit(1);
}
)";

const std::string_view kPrintingFloats = R"(
/* d.dddddde+dd */
static void print_float(double x) {
  int exponent = 0;
  if (x != x) {
    print(1, "nan");
    return;
  }
  if (x < 0) print(1, "-");
  if (x < 0) x = -x;
  if (x > 1e300) {
    print(1, "inf");
    return;
  }
  for (; x >= 10; ++exponent) x /= 10;
  for (; x > 0 && x < 1; --exponent) x *= 10;
  x += 5e-7;
  if (x >= 10) {
    x /= 10;
    ++exponent;
  }
  for (int digit = 0; digit < 7; ++digit) {
    print_integer((long)x);
    if (digit == 0) print(1, ".");
    x = (x - (double)(long)x) * 10;
  }
  print(1, exponent < 0 ? "e-" : "e+");
  print_integer(exponent < 0 ? -exponent : exponent);
}
)";

std::string with_parts(
    std::string text,
    std::initializer_list<std::pair<std::string_view, std::string_view>> replacements) {
  for (const auto& [what, by] : replacements) {
    for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
      text.replace(at, what.size(), by);
    }
  }
  return text;
}

std::string with_name(std::string text, std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return with_parts(std::move(text), {{"@NAME", upper}, {"@name", name}});
}

}  // namespace verge::emit
