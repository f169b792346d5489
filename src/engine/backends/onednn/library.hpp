#pragma once
// Library: oneDNN's C interface (version 2), loaded when it is first needed: a process that does
// not use it pays neither memory nor start-up. Internal to this folder.

#include <memory>

#include <dnnl.h>

#include <verge/core/result.hpp>

namespace verge::backends::onednn {

#define VERGE_ONEDNN_FUNCTIONS(X)            \
  X(concat_primitive_desc_create)            \
  X(reorder_primitive_desc_create)           \
  X(primitive_desc_create)                   \
  X(primitive_desc_destroy)                  \
  X(primitive_desc_query)                    \
  X(primitive_desc_query_md)                 \
  X(primitive_attr_create)                   \
  X(primitive_attr_destroy)                  \
  X(primitive_attr_set_post_ops)             \
  X(primitive_attr_set_scratchpad_mode)      \
  X(primitive_create)                        \
  X(primitive_destroy)                       \
  X(primitive_execute)                       \
  X(post_ops_create)                         \
  X(post_ops_destroy)                        \
  X(post_ops_append_sum)                     \
  X(post_ops_append_eltwise)                 \
  X(memory_create)                           \
  X(memory_destroy)                          \
  X(memory_set_data_handle)                  \
  X(memory_desc_init_by_strides)             \
  X(memory_desc_init_by_tag)                 \
  X(memory_desc_init_submemory)              \
  X(memory_desc_permute_axes)                \
  X(memory_desc_equal)                       \
  X(memory_desc_get_size)                    \
  X(engine_create)                           \
  X(engine_destroy)                          \
  X(stream_create)                           \
  X(stream_destroy)                          \
  X(dilated_convolution_forward_desc_init)   \
  X(dilated_deconvolution_forward_desc_init) \
  X(pooling_forward_desc_init)               \
  X(eltwise_forward_desc_init)               \
  X(binary_desc_init)                        \
  X(matmul_desc_init)                        \
  X(inner_product_forward_desc_init)         \
  X(softmax_forward_desc_init)               \
  X(resampling_forward_desc_init)            \
  X(reduction_desc_init)                     \
  X(layer_normalization_forward_desc_init)   \
  X(version)

struct Library {
#define VERGE_ONEDNN_POINTER(name) decltype(&::dnnl_##name) name = nullptr;
  VERGE_ONEDNN_FUNCTIONS(VERGE_ONEDNN_POINTER)
#undef VERGE_ONEDNN_POINTER
  dnnl_engine_t engine = nullptr;
  dnnl_stream_t stream = nullptr;

  Library() = default;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library();
};

/// Fails with NotFound naming the package where the library is missing, Unsupported for another
/// major version and for a build on other threads than OpenMP's, for which a Team (team.hpp)
/// stands.
Result<std::shared_ptr<const Library>> load_library();
/// What load_library() asks of a library's version.
Status check_version(const dnnl_version_t& version);

}  // namespace verge::backends::onednn
