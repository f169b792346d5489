#pragma once
// ArrayData: samples of an ONNX network as arrays of NumPy, one file an input and one of what is to
// be learned, the first axis of each the samples.

#include <map>
#include <string>
#include <vector>

#include <verge/core/tensor.hpp>
#include <verge/stages/fit/tune/base_model.hpp>

namespace verge::fit {

/// Whether `paths` are .npy files, or one folder that holds some.
bool are_arrays(const std::vector<std::string>& paths);

/// "input_ids.npy": the file of an input; what no name of a file should hold is '_'.
std::string array_file_name(std::string_view input);

struct ArrayData {
  std::map<std::string, Tensor> inputs = {};  // by value of the graph, as the graph holds them
  Tensor labels = {};                         // i32 [samples, ...]; -1: does not count
  Tensor targets = {};                        // f32 [samples, ...], of a squared error
  int64_t count = 0;                          // samples
  std::string checksum = {};                  // of all files, hexadecimal
};

/// Reads INPUT.npy for each input of the network and labels.npy, integers from 0 to classes - 1 and
/// -1 or -100 where there is none, or target.npy of reals. Fails with NotFound naming the input
/// whose file is missing, and with InvalidArgument for another shape or type than the network's,
/// naming both, numbers of samples that differ, labels out of range, what is not finite as f32, and
/// two paths of one name; with Unsupported for inputs whose files would have one name.
Result<ArrayData> read_arrays(const BaseModel& base, const std::vector<std::string>& paths);

}  // namespace verge::fit
