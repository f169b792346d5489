#include <verge/core/file.hpp>
#include <verge/engine/format/image/codecs.hpp>
#include <verge/engine/format/image/writer.hpp>

namespace verge::format {

Result<std::string> encode_image(const Image& image, ImageFormat format, int quality) {
  if (image.height < 1 || image.width < 1) {
    return make_error(Code::InvalidArgument, "a picture without pixels cannot be written");
  }
  if (format == ImageFormat::Jpeg) return image::encode_jpeg(image, quality);
  if (format == ImageFormat::Png) return image::encode_png(image);
  return image::encode_webp(image, quality);
}

std::optional<ImageFormat> image_format_of_name(std::string_view path) {
  std::string ending(path.substr(std::min(path.rfind('.'), path.size())));
  for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (ending == ".jpg" || ending == ".jpeg") return ImageFormat::Jpeg;
  if (ending == ".png") return ImageFormat::Png;
  if (ending == ".webp") return ImageFormat::Webp;
  return std::nullopt;
}

Status write_image(const std::string& path, const Image& image, int quality) {
  const auto format = image_format_of_name(path);
  if (!format) {
    return make_error(Code::InvalidArgument, "{}: give a name in .jpg, .png or .webp", path);
  }
  auto bytes = encode_image(image, *format, quality);
  if (!bytes) {
    return make_error(bytes.error().code, "{}: {}", path, bytes.error().message);
  }
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  VERGE_RETURN_IF_ERROR(file.write(*bytes));
  return file.commit();
}

}  // namespace verge::format
