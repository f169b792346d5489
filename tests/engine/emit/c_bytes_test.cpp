#include <algorithm>
#include <cstring>

#include <verge/engine/emit/c_bytes.hpp>

#include "c_check.hpp"

namespace verge::emit {
namespace {

std::string bytes_source(std::string_view bytes) {
  return fmt::format("extern {0};\n{0} = {{\n{1}}};\n",
                     c_bytes_declaration("w", static_cast<int64_t>(bytes.size())),
                     c_bytes_rows(std::as_bytes(std::span(bytes))));
}

// What compilers of C99 make of the literals.
void expect_bytes(const std::string& bytes) {
  const test::TemporaryFolder folder;
  const std::string source = bytes_source(bytes);
  folder.add("net.c", source);
  const std::string library = folder / "net.so";
  ASSERT_EQ(
      std::system((kOwnCompiler + kStrictC + "-shared -fPIC -o " + library + " " + folder / "net.c")
                      .c_str()),
      0);
  expect_strict_c(folder);
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(handle, nullptr) << ::dlerror();
  const auto* found = static_cast<const char*>(::dlsym(handle, "w"));
  EXPECT_EQ(std::memcmp(found, bytes.data(), bytes.size()), 0);
  ::dlclose(handle);
  for (size_t at = 0, end; (end = source.find('\n', at)) != std::string::npos; at = end + 1) {
    EXPECT_LE(end - at, 120u);
  }
}

TEST(CBytes, AnyByteComesBack) {
  std::string bytes;
  for (int before = 0; before < 256; ++before) {
    for (int after = 0; after < 256; ++after) {
      bytes += static_cast<char>(before);
      bytes += static_cast<char>(after);
    }
  }
  expect_bytes(bytes);
}

TEST(CBytes, NothingEndsALiteralOrBeginsATrigraph) {
  expect_bytes("\"\\?\?/?\?=*/ //%d\0123\0abc" + std::string(5, '?'));
}

TEST(CBytes, RowsAreFilledToTheirEnd) {
  for (const size_t size : {1u, 3999u, 4000u, 4001u, 8000u}) {
    std::string bytes(size, 'x');
    bytes.back() = '\n';
    expect_bytes(bytes);
  }
  EXPECT_EQ(c_bytes_declaration("w", 4000), "const unsigned char w[1][4000]");
  EXPECT_EQ(c_bytes_declaration("w", 4001), "const unsigned char w[2][4000]");
  EXPECT_EQ(c_bytes_declaration("w", 0), "const unsigned char w[1][4000]");
}

}  // namespace
}  // namespace verge::emit
