#include <fmt/format.h>

#include <verge/engine/emit/c_training_program.hpp>
#include <verge/engine/emit/program_parts.hpp>

namespace verge::emit {
namespace {

constexpr std::string_view kSamples = R"(
/* Samples of one input, one behind the other, `bytes` each. */
struct samples {
  const char *path;
  int file;
  long offset, bytes, count;
};

static void read_all(int file, const char *path, void *to, long bytes) {
  for (long at = 0, got; at < bytes; at += got) {
    got = read(file, (char *)to + at, (size_t)(bytes - at));
    if (got <= 0) fail(": cannot be read\n", path);
  }
}

/* The extents behind the first must be those of the input. */
static void check_shape(const char *path, const struct @name_array *array, const char *text) {
  const char *at = strstr(text, "'shape': (");
  int axis = 0;
  if (at == NULL) fail(": the header of the array cannot be read\n", path);
  for (at += 10; *at != 0 && *at != ')'; ++at) {
    char *end;
    const long extent = strtol(at, &end, 10);
    if (end == at) continue;
    if (axis >= array->rank || (axis > 0 && extent != array->shape[axis])) {
      fail(": holds samples of another shape\n", path);
    }
    ++axis;
    at = end - 1;
  }
  if (axis != array->rank) fail(": holds samples of another shape\n", path);
}

/* An array of NumPy, or bare elements. */
static void open_samples(const char *path, const struct @name_array *array, struct samples *to) {
  unsigned char head[12];
  long size;
  to->path = path;
  to->offset = 0;
  to->bytes = array->bytes / array->shape[0];
  to->file = open(path, O_RDONLY);
  if (to->file < 0) fail(": cannot be opened\n", path);
  if (read(to->file, head, sizeof head) == sizeof head && memcmp(head, "\223NUMPY", 6) == 0) {
    static char text[4096];
    const long start = head[6] == 1 ? 10 : 12, length = head[8] + 256L * head[9];
    to->offset = start + length;
    if (length >= (long)sizeof text || lseek(to->file, start, SEEK_SET) < 0) {
      fail(": the header of the array cannot be read\n", path);
    }
    read_all(to->file, path, text, length);
    text[length] = 0;
    if (strstr(text, array->type) == NULL || strstr(text, "'fortran_order': True") != NULL) {
      print(2, "wanted ");
      print(2, array->type);
      print(2, " by rows; ");
      fail(": holds another type of elements, or columns first\n", path);
    }
    check_shape(path, array, text);
  }
  size = lseek(to->file, 0, SEEK_END) - to->offset;
  to->count = size / to->bytes;
  if (size <= 0 || size % to->bytes != 0) fail(": holds no whole number of samples\n", path);
}

/* `batch` samples from number `first` on; behind the last comes the first. */
static void read_samples(const struct samples *from, long first, long batch, char *to) {
  for (long i = 0; i < batch; ++i) {
    const long at = (first + i) % from->count;
    if (lseek(from->file, from->offset + at * from->bytes, SEEK_SET) < 0) {
      fail(": cannot be read\n", from->path);
    }
    read_all(from->file, from->path, to + i * from->bytes, from->bytes);
  }
}
)";

constexpr std::string_view kWeights = R"(
/* The header of a safetensors file of all that survives steps, and of the number of steps. */
struct text {
  char *data;
  size_t length, room;
};

static void add(struct text *to, char c) {
  if (to->length + 1 >= to->room) {
    to->room = 2 * to->room + 256;
    to->data = realloc(to->data, to->room);
    if (to->data == NULL) fail("no memory\n", "");
  }
  to->data[to->length++] = c;
  to->data[to->length] = 0;
}

static void add_text(struct text *to, const char *more) {
  for (; *more != 0; ++more) add(to, *more);
}

static void add_integer(struct text *to, long value) {
  if (value >= 10) add_integer(to, value / 10);
  add(to, (char)('0' + value % 10));
}

static void add_name(struct text *to, const char *name) {
  add(to, '"');
  for (; *name != 0; ++name) {
    if (*name == '"' || *name == '\\') add(to, '\\');
    add(to, (unsigned char)*name < ' ' ? '_' : *name);
  }
  add(to, '"');
}

static void add_entry(struct text *to, const struct @name_array *array, long begin) {
  const char *types[] = {"<f4", "F32", "<i4", "I32", "<i8", "I64", "|u1", "U8", "|i1", "I8"};
  add_name(to, array->name);
  add_text(to, ":{\"dtype\":\"");
  for (int i = 0; i < 10; i += 2) {
    if (strcmp(types[i], array->type) == 0) add_text(to, types[i + 1]);
  }
  add_text(to, "\",\"shape\":[");
  for (int axis = 0; axis < array->rank; ++axis) {
    if (axis > 0) add(to, ',');
    add_integer(to, array->shape[axis]);
  }
  add_text(to, "],\"data_offsets\":[");
  add_integer(to, begin);
  add(to, ',');
  add_integer(to, begin + array->bytes);
  add_text(to, "]}");
}

/* Times a batch it is a number still. */
#define MOST_STEPS ((int64_t)1 << 40)

static const struct @name_array steps_array = {"verge.steps", "<i8", 1, {1}, 8};

static struct text header_of_kept(void) {
  struct text to = {NULL, 0, 0};
  long begin = 0;
  add(&to, '{');
  for (int i = 0; i < @NAME_KEPT; ++i) {
    add_entry(&to, &@name_kept[i].array, begin);
    add(&to, ',');
    begin += @name_kept[i].array.bytes;
  }
  add_entry(&to, &steps_array, begin);
  add(&to, '}');
  while (to.length % 8 != 0) add(&to, ' ');
  return to;
}

static void write_all(int file, const char *path, const void *from, long bytes) {
  for (long at = 0, put; at < bytes; at += put) {
    put = write(file, (const char *)from + at, (size_t)(bytes - at));
    if (put <= 0) fail(": cannot be written\n", path);
  }
}

/* All of the file or nothing of it. */
static void save(const char *path, int64_t steps) {
  const struct text header = header_of_kept();
  struct text part = {NULL, 0, 0};
  unsigned char length[8];
  int file;
  add_text(&part, path);
  add_text(&part, ".part");
  unlink(part.data);
  file = open(part.data, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
  if (file < 0) fail(": cannot be written\n", part.data);
  for (int i = 0; i < 8; ++i) length[i] = (unsigned char)((uint64_t)header.length >> (8 * i));
  write_all(file, part.data, length, 8);
  write_all(file, part.data, header.data, (long)header.length);
  for (int i = 0; i < @NAME_KEPT; ++i) {
    write_all(file, part.data, @name_kept[i].data, @name_kept[i].array.bytes);
  }
  write_all(file, part.data, &steps, 8);
  if (fsync(file) != 0 || close(file) != 0 || rename(part.data, path) != 0) {
    fail(": cannot be written\n", path);
  }
}

/* The steps after which save() wrote the file; other names, types or shapes are refused. */
static int64_t load(const char *path) {
  const struct text header = header_of_kept();
  const int file = open(path, O_RDONLY);
  char *found = malloc(header.length + 8);
  long size = 16 + (long)header.length;
  int64_t steps = 0;
  if (file < 0 || found == NULL) fail(": cannot be opened\n", path);
  for (int i = 0; i < @NAME_KEPT; ++i) size += @name_kept[i].array.bytes;
  if (lseek(file, 0, SEEK_END) != size || lseek(file, 0, SEEK_SET) != 0) {
    fail(": is not a file of this program's weights\n", path);
  }
  read_all(file, path, found, 8 + (long)header.length);
  if (memcmp(found + 8, header.data, header.length) != 0) {
    fail(": is not a file of this program's weights\n", path);
  }
  for (int i = 0; i < @NAME_KEPT; ++i) {
    read_all(file, path, @name_kept[i].data, @name_kept[i].array.bytes);
  }
  read_all(file, path, &steps, 8);
  if (steps < 0 || steps > MOST_STEPS) fail(": its number of steps is damaged\n", path);
  close(file);
  free(found);
  return steps;
}
)";

constexpr std::string_view kSteps = R"(
/* Linear warm-up over a tenth of the steps, then a half cosine down to a hundredth. */
static double rate_of(double peak, long steps, long step) {
  const long warmup = steps / 10;
  const double length = steps > warmup ? (double)(steps - warmup) : 1;
  const double done = fmin(1, (double)(step - warmup) / length);
  if (step < warmup) return peak * (double)(step + 1) / (double)warmup;
  return peak * (0.01 + 0.99 * 0.5 * (1 + cos(3.14159265358979323846 * done)));
}

static int is_setting(const struct @name_array *array) {
  return strcmp(array->name, "lr") == 0 || strcmp(array->name, "step") == 0;
}

static void usage(const char *program) {
  print(2, "usage: ");
  print(2, program);
  print(2, " [-n STEPS] [-l RATE] [-r WEIGHTS] -o WEIGHTS SAMPLES...\n"
           "  SAMPLES: .npy files or bare elements of any number of samples, in this order:\n");
  for (int i = 0; i < @NAME_INPUTS; ++i) {
    if (is_setting(&@name_inputs[i])) continue;
    print(2, "    ");
    print(2, @name_inputs[i].name);
    print(2, " ");
    print(2, @name_inputs[i].type);
    print(2, "\n");
  }
  print(2, "  -n: steps in all (as many as take each sample once)\n"
           "  -l: learning rate at its peak (@rate)\n"
           "  -r: a file of -o to go on from\n"
           "  -o: the safetensors file to write weights, moments and steps to\n");
  _Exit(2);
}

int main(int argc, char **argv) {
  static struct samples samples[@NAME_INPUTS];
  static void *inputs[@NAME_INPUTS], *outputs[@NAME_OUTPUTS];
  const char *from = NULL, *to = NULL;
  long steps = 0, batch = 0, count = 0;
  double peak = @rate;
  int64_t done = 0, number = 0;
  float rate = 0;
  const float *loss = NULL;
  int at = 1;
  for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
    const char *value = argv[at + 1];
    char *end = NULL; /* of a number */
    if (strcmp(argv[at], "-n") == 0) {
      steps = strtol(value, &end, 10);
    } else if (strcmp(argv[at], "-l") == 0) {
      peak = strtod(value, &end);
    } else if (strcmp(argv[at], "-r") == 0) {
      from = value;
    } else if (strcmp(argv[at], "-o") == 0) {
      to = value;
    } else {
      usage(argv[0]);
    }
    if (end != NULL && (end == value || *end != 0)) usage(argv[0]);
  }
  if (to == NULL || steps < 0 || !(peak > 0)) usage(argv[0]);
  for (int i = 0; i < @NAME_INPUTS; ++i) {
    const struct @name_array *array = &@name_inputs[i];
    if (strcmp(array->name, "lr") == 0) inputs[i] = &rate;
    if (strcmp(array->name, "step") == 0) inputs[i] = &number;
    if (is_setting(array)) continue;
    if (at >= argc) usage(argv[0]);
    open_samples(argv[at++], array, &samples[i]);
    if (count > 0 && samples[i].count != count) {
      fail(": holds another number of samples than the file before it\n", argv[at - 1]);
    }
    count = samples[i].count;
    batch = array->shape[0];
    inputs[i] = malloc((size_t)array->bytes);
    if (inputs[i] == NULL) fail(": no memory\n", argv[0]);
  }
  if (at != argc) usage(argv[0]);
  for (int i = 0; i < @NAME_OUTPUTS; ++i) {
    outputs[i] = malloc((size_t)@name_outputs[i].bytes + 1);
    if (outputs[i] == NULL) fail(": no memory\n", argv[0]);
    if (strcmp(@name_outputs[i].name, "loss") == 0) loss = outputs[i];
  }
  if (loss == NULL) fail(": the network has no loss\n", argv[0]);
  if (from != NULL) done = load(from);
  if (steps == 0) steps = (count + batch - 1) / batch;
  for (; done < steps; ++done) {
    for (int i = 0; i < @NAME_INPUTS; ++i) {
      if (is_setting(&@name_inputs[i])) continue;
      read_samples(&samples[i], (long)(done * batch % count), batch, inputs[i]);
    }
    rate = (float)rate_of(peak, steps, (long)done);
    number = done + 1;
    @name_call((const void *const *)inputs, outputs);
    print(1, "step ");
    print_integer((long)number);
    print(1, " loss ");
    print_float(*loss);
    print(1, "\n");
    if (!(fabsf(*loss) <= 3e38f)) fail(": the loss is no number; use a smaller -l\n", argv[0]);
  }
  save(to, done);
  print(1, "wrote ");
  print(1, to);
  print(1, "\n");
  return 0;
}
)";

}  // namespace

std::string c_training_program(std::string_view name, const TrainingDefaults& defaults) {
  std::string text =
      "/* Fine-tunes the network of @name.c on files of samples. */\n"
      "#define _POSIX_C_SOURCE 200809L\n"
      "#include <fcntl.h>\n#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
      "#include <string.h>\n#include <unistd.h>\n\n"
      "#include \"@name.h\"\n";
  text += fmt::format("{}{}{}{}{}", kPrinting, kPrintingFloats, kSamples, kWeights, kSteps);
  const std::string rate = fmt::format("{}", defaults.rate);
  for (size_t at = 0; (at = text.find("@rate", at)) != std::string::npos;) {
    text.replace(at, 5, rate);
  }
  return with_name(std::move(text), name);
}

}  // namespace verge::emit
