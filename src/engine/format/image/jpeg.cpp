#include <csetjmp>
#include <cstdio>  // which jpeglib.h needs before it
#include <cstring>

#include <jerror.h>
#include <jpeglib.h>

#include <verge/engine/format/image/codecs.hpp>
#include <verge/engine/format/image/exif.hpp>

namespace verge::format::image {
namespace {

// A block of 8 x 8 pixels takes at least one bit, for its mean, in Huffman's code.
constexpr int64_t kMostJpegPixelsAByte = 512;
// Of a progressive file. Each is a pass over all pixels, however few bytes it has.
constexpr int kMostScans = 200;
constexpr int64_t kMostExtent = JPEG_MAX_DIMENSION;

// libjpeg leaves by longjmp. What it may jump over is in functions that hold nothing to destroy;
// what must be given back is in the objects of their callers.
struct Trap {
  jpeg_error_mgr errors;
  std::jmp_buf place;
  char message[JMSG_LENGTH_MAX];
  bool is_cut;
};

Trap& trap_of(j_common_ptr codec) {
  return *static_cast<Trap*>(codec->client_data);
}

[[noreturn]] void leave(j_common_ptr codec) {
  codec->err->format_message(codec, trap_of(codec).message);
  std::longjmp(trap_of(codec).place, 1);
}

void take_message(j_common_ptr codec, int level) {
  const int code = codec->err->msg_code;
  if (level >= 0 || (code != JWRN_JPEG_EOF && code != JWRN_HIT_MARKER)) return;
  trap_of(codec).is_cut = code == JWRN_JPEG_EOF;
  leave(codec);  // the rest would be grey
}

void prepare(Trap& trap, j_common_ptr codec) {
  codec->err = jpeg_std_error(&trap.errors);
  trap.errors.error_exit = leave;
  trap.errors.emit_message = take_message;
  trap.errors.output_message = [](j_common_ptr) {};
  trap.message[0] = '\0';
  trap.is_cut = false;
  codec->client_data = &trap;
}

void stop_at_scan(j_common_ptr codec) {
  if (reinterpret_cast<j_decompress_ptr>(codec)->input_scan_number <= kMostScans) return;
  std::strcpy(trap_of(codec).message, "more than 200 scans");
  std::longjmp(trap_of(codec).place, 1);
}

struct JpegDecoder {
  jpeg_decompress_struct codec = {};
  jpeg_progress_mgr progress = {};
  Trap trap = {};

  JpegDecoder() { prepare(trap, reinterpret_cast<j_common_ptr>(&codec)); }
  ~JpegDecoder() { jpeg_destroy_decompress(&codec); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;
};

bool read_jpeg_header(JpegDecoder& decoder, const unsigned char* bytes, size_t size) {
  if (setjmp(decoder.trap.place) != 0) return false;
  jpeg_create_decompress(&decoder.codec);
  jpeg_mem_src(&decoder.codec, bytes, size);
  jpeg_save_markers(&decoder.codec, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&decoder.codec, TRUE);
  decoder.progress.progress_monitor = stop_at_scan;
  decoder.codec.progress = &decoder.progress;
  return true;
}

bool begin_jpeg(JpegDecoder& decoder) {
  if (setjmp(decoder.trap.place) != 0) return false;
  decoder.codec.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&decoder.codec);
  return true;
}

bool read_jpeg_rows(JpegDecoder& decoder, uint8_t* pixels, size_t row_bytes) {
  if (setjmp(decoder.trap.place) != 0) return false;
  while (decoder.codec.output_scanline < decoder.codec.output_height) {
    JSAMPROW row = pixels + decoder.codec.output_scanline * row_bytes;
    jpeg_read_scanlines(&decoder.codec, &row, 1);
  }
  jpeg_finish_decompress(&decoder.codec);
  return true;
}

Error failure(const JpegDecoder& decoder, size_t bytes) {
  if (decoder.trap.is_cut) return cut_off(bytes);
  return make_error(Code::Malformed, "damaged JPEG: {}; fetch it again", decoder.trap.message);
}

int jpeg_orientation(const jpeg_decompress_struct& codec) {
  for (const auto* marker = codec.marker_list; marker != nullptr; marker = marker->next) {
    if (marker->data_length < 6 || std::memcmp(marker->data, "Exif\0", 6) != 0) continue;
    return exif_orientation(std::as_bytes(std::span(marker->data, marker->data_length)));
  }
  return 1;
}

// Without a profile of the inks. Adobe's files hold 255 minus each ink.
Image rgb_of_cmyk(std::span<const uint8_t> inks, int64_t height, int64_t width, bool is_inverted) {
  Image image(height, width);
  for (size_t i = 0; i < inks.size() / 4; ++i) {
    const int flip = is_inverted ? 0 : 255;
    const int black = inks[i * 4 + 3] ^ flip;
    for (size_t c = 0; c < 3; ++c) {
      const int ink = inks[i * 4 + c] ^ flip;
      image.pixels[i * 3 + c] = static_cast<uint8_t>((ink * black + 127) / 255);
    }
  }
  return image;
}

// Grey and YCbCr come as RGB by libjpeg itself.
Status choose_colours(jpeg_decompress_struct& codec) {
  const int parts = codec.num_components;
  if (parts != 1 && parts != 3 && parts != 4) {
    return make_error(Code::Unsupported, "a JPEG of {} components; convert it to RGB", parts);
  }
  if (codec.arith_code != FALSE) {
    return make_error(Code::Unsupported, "an arithmetically coded JPEG; convert it to PNG");
  }
  codec.out_color_space = parts == 4 ? JCS_CMYK : JCS_RGB;
  return {};
}

}  // namespace

Result<Image> decode_jpeg(std::span<const std::byte> bytes, const ImageLimits& limits) {
  JpegDecoder decoder;
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  if (!read_jpeg_header(decoder, data, bytes.size())) return failure(decoder, bytes.size());
  const auto height = static_cast<int64_t>(decoder.codec.image_height);
  const auto width = static_cast<int64_t>(decoder.codec.image_width);
  VERGE_RETURN_IF_ERROR(choose_colours(decoder.codec));
  VERGE_RETURN_IF_ERROR(check_extents(width, height, bytes.size(), kMostJpegPixelsAByte, limits));
  const int orientation = jpeg_orientation(decoder.codec);  // markers go with the last row
  if (!begin_jpeg(decoder)) return failure(decoder, bytes.size());
  const auto parts = static_cast<size_t>(decoder.codec.output_components);
  const size_t row_bytes = static_cast<size_t>(width) * parts;
  Image image;
  std::vector<uint8_t> rows(row_bytes * static_cast<size_t>(height));
  if (!read_jpeg_rows(decoder, rows.data(), row_bytes)) return failure(decoder, bytes.size());
  if (parts == 4) {
    image = rgb_of_cmyk(rows, height, width, decoder.codec.saw_Adobe_marker != FALSE);
  } else {
    image.height = height;
    image.width = width;
    image.pixels = std::move(rows);
  }
  return upright(std::move(image), orientation);
}

namespace {

struct JpegEncoder {
  jpeg_compress_struct codec = {};
  Trap trap = {};
  unsigned char* bytes = nullptr;
  unsigned long size = 0;

  JpegEncoder() { prepare(trap, reinterpret_cast<j_common_ptr>(&codec)); }
  ~JpegEncoder() {
    jpeg_destroy_compress(&codec);
    std::free(bytes);
  }
  JpegEncoder(const JpegEncoder&) = delete;
  JpegEncoder& operator=(const JpegEncoder&) = delete;
};

bool encode_all(JpegEncoder& encoder, const Image& image, int quality) {
  if (setjmp(encoder.trap.place) != 0) return false;
  jpeg_create_compress(&encoder.codec);
  jpeg_mem_dest(&encoder.codec, &encoder.bytes, &encoder.size);
  encoder.codec.image_height = static_cast<JDIMENSION>(image.height);
  encoder.codec.image_width = static_cast<JDIMENSION>(image.width);
  encoder.codec.input_components = 3;
  encoder.codec.in_color_space = JCS_RGB;
  jpeg_set_defaults(&encoder.codec);
  jpeg_set_quality(&encoder.codec, quality, TRUE);
  jpeg_start_compress(&encoder.codec, TRUE);
  while (encoder.codec.next_scanline < encoder.codec.image_height) {
    JSAMPROW row = const_cast<uint8_t*>(image.at(encoder.codec.next_scanline, 0));
    jpeg_write_scanlines(&encoder.codec, &row, 1);
  }
  jpeg_finish_compress(&encoder.codec);
  return true;
}

}  // namespace

Result<std::string> encode_jpeg(const Image& image, int quality) {
  if (image.height > kMostExtent || image.width > kMostExtent) {
    return make_error(Code::InvalidArgument,
                      "{} x {} pixels; a JPEG has at most {} each way: write PNG", image.width,
                      image.height, kMostExtent);
  }
  JpegEncoder encoder;
  if (encode_all(encoder, image, quality)) {
    return std::string(reinterpret_cast<const char*>(encoder.bytes), encoder.size);
  }
  return make_error(Code::OutOfMemory, "writing a JPEG: {}", encoder.trap.message);
}

}  // namespace verge::format::image
