#include <fmt/format.h>

#include <verge/engine/emit/c_program.hpp>
#include <verge/engine/emit/program_parts.hpp>

namespace verge::emit {
namespace {

constexpr std::string_view kInput = R"(
/* Exactly `bytes` of a file, or the elements of an array of NumPy. */
static void read_array(const char *path, const struct @name_array *array, char *to) {
  unsigned char head[12];
  long got, offset = 0;
  const int file = open(path, O_RDONLY);
  if (file < 0) fail(": cannot be opened\n", path);
  got = read(file, head, sizeof head);
  if (got == sizeof head && memcmp(head, "\223NUMPY", 6) == 0) {
    static char text[4096];
    const long start = head[6] == 1 ? 10 : 12;
    const long length = head[8] + 256L * head[9];
    offset = start + length;
    if (length >= (long)sizeof text || lseek(file, start, SEEK_SET) < 0 ||
        read(file, text, (size_t)length) != length) {
      fail(": the header of the array cannot be read\n", path);
    }
    text[length] = 0;
    if (strstr(text, array->type) == NULL || strstr(text, "'fortran_order': True") != NULL) {
      fail(": holds another type of elements, or columns first\n", path);
    }
  }
  if (lseek(file, 0, SEEK_END) - offset != array->bytes) fail(": has another size\n", path);
  if (lseek(file, offset, SEEK_SET) < 0) fail(": cannot be read\n", path);
  for (long at = 0; at < array->bytes; at += got) {
    got = read(file, to + at, (size_t)(array->bytes - at));
    if (got <= 0) fail(": cannot be read\n", path);
  }
  close(file);
}
)";

constexpr std::string_view kMessages = R"(
static double element(const struct @name_array *array, const void *data, long i) {
  if (strcmp(array->type, "<f4") == 0) return ((const float *)data)[i];
  if (strcmp(array->type, "<i4") == 0) return ((const int32_t *)data)[i];
  if (strcmp(array->type, "<i8") == 0) return (double)((const int64_t *)data)[i];
  if (strcmp(array->type, "|u1") == 0) return ((const uint8_t *)data)[i];
  return ((const int8_t *)data)[i];
}

static long count_of(const struct @name_array *array) {
  long count = 1;
  for (int axis = 0; axis < array->rank; ++axis) count *= array->shape[axis];
  return count;
}

/* The `most` largest elements with their places. */
static void print_largest(const struct @name_array *array, const void *data, long most) {
  const long count = count_of(array);
  long last = -1;
  print(1, array->name);
  print(1, "\n");
  for (long shown = 0; shown < most && shown < count; ++shown) {
    long best = -1;
    for (long i = 0; i < count; ++i) {
      const double value = element(array, data, i);
      if (last >= 0) {  /* those that were shown come first in this order */
        const double before = element(array, data, last);
        if (value > before || (value == before && i <= last)) continue;
      }
      if (best < 0 || value > element(array, data, best)) best = i;
    }
    if (best < 0) break;
    print(1, "  ");
    print_integer(best);
    print(1, "  ");
    print_float(element(array, data, best));
    print(1, "\n");
    last = best;
  }
}

static void add(char *text, size_t size, const char *more) {
  const size_t length = strlen(text), added = strlen(more);
  if (length + added < size) memcpy(text + length, more, added + 1);
}

static void add_integer(char *text, size_t size, long value) {
  char digits[24];
  char *at = digits + sizeof digits;
  *--at = 0;
  do {
    *--at = (char)('0' + value % 10);
  } while ((value /= 10) > 0);
  add(text, size, at);
}
)";

constexpr std::string_view kOutput = R"(
/* An array of NumPy, version 1.0: its header is 128 bytes long. */
static void write_array(const char *path, const struct @name_array *array, const void *data) {
  char text[512] = "\223NUMPY\001";
  const char *from = data;
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  text[7] = 0;
  text[8] = 118;
  text[9] = 0;
  text[10] = 0;
  add(text + 10, sizeof text - 10, "{'descr': '");
  add(text + 10, sizeof text - 10, array->type);
  add(text + 10, sizeof text - 10, "', 'fortran_order': False, 'shape': (");
  for (int axis = 0; axis < array->rank; ++axis) {
    add_integer(text + 10, sizeof text - 10, array->shape[axis]);
    add(text + 10, sizeof text - 10, ",");
  }
  add(text + 10, sizeof text - 10, "), }");
  while (strlen(text + 10) < 117) add(text + 10, sizeof text - 10, " ");
  text[127] = '\n';
  if (file < 0 || write(file, text, 128) != 128) fail(": cannot be written\n", path);
  for (long at = 0, put; at < array->bytes; at += put) {
    put = write(file, from + at, (size_t)(array->bytes - at));
    if (put <= 0) fail(": cannot be written\n", path);
  }
  close(file);
}
)";

constexpr std::string_view kMain = R"(
static void usage(const char *program) {
  print(2, "usage: ");
  print(2, program);
  print(2, " [-k COUNT] [-o PREFIX] INPUT...\n"
           "  each INPUT a .npy file or bare elements, in this order:\n");
  for (int i = 0; i < @NAME_INPUTS; ++i) {
    print(2, "    ");
    print(2, @name_inputs[i].name);
    print(2, " ");
    print(2, @name_inputs[i].type);
    print(2, "\n");
  }
  print(2, "  -k: how many of the largest elements of an output are printed (5)\n"
           "  -o: writes output i to PREFIX followed by i and .npy instead\n");
  _Exit(2);
}

int main(int argc, char **argv) {
  const void *inputs[@NAME_INPUTS + 1] = {NULL};
  void *outputs[@NAME_OUTPUTS + 1] = {NULL};
  const char *prefix = NULL;
  long most = 5;
  int given = 0, at = 1;
  for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
    if (strcmp(argv[at], "-k") == 0) {
      most = 0;
      for (const char *c = argv[at + 1]; *c >= '0' && *c <= '9'; ++c) most = most * 10 + *c - '0';
    } else if (strcmp(argv[at], "-o") == 0) {
      prefix = argv[at + 1];
    } else {
      usage(argv[0]);
    }
  }
  if (argc - at != @NAME_INPUTS) usage(argv[0]);
  for (; given < @NAME_INPUTS; ++given) {
    void *memory = malloc((size_t)@name_inputs[given].bytes + 1);
    if (memory == NULL) fail(": no memory\n", argv[0]);
    read_array(argv[at + given], &@name_inputs[given], memory);
    inputs[given] = memory;
  }
  for (int i = 0; i < @NAME_OUTPUTS; ++i) {
    outputs[i] = malloc((size_t)@name_outputs[i].bytes + 1);
    if (outputs[i] == NULL) fail(": no memory\n", argv[0]);
  }
  @name_call(inputs, outputs);
  for (int i = 0; i < @NAME_OUTPUTS; ++i) {
    char path[4096] = "";
    if (prefix == NULL) {
      print_largest(&@name_outputs[i], outputs[i], most);
      continue;
    }
    add(path, sizeof path, prefix);
    add_integer(path, sizeof path, i);
    add(path, sizeof path, ".npy");
    write_array(path, &@name_outputs[i], outputs[i]);
  }
  return 0;
}
)";

}  // namespace

std::string c_program(std::string_view name) {
  const std::string text =
      "/* Runs the network of @name.c on files. */\n"
      "#include <fcntl.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n\n"
      "#include \"@name.h\"\n";
  return with_name(fmt::format("{}{}{}{}{}{}{}", text, kPrinting, kPrintingFloats, kMessages,
                               kInput, kOutput, kMain),
                   name);
}

}  // namespace verge::emit
