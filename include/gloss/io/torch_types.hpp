// PyTorch's names, as its files have them: element types, and the functions that make tensors.
#pragma once

#include <gloss/io/dtype.hpp>

namespace gloss::inline GLOSS_ABI::io::detail {

/// An element type under PyTorch's names.
struct TorchType {
  const char *storage, *name;
  Dtype dtype;
  int bytes;
  const char* other = "";  // the name of Dtype::OTHER
};
inline constexpr TorchType torch_types[] = {
    {"torch.FloatStorage", "torch.float32", Dtype::F32, 4},
    {"torch.DoubleStorage", "torch.float64", Dtype::F64, 8},
    {"torch.HalfStorage", "torch.float16", Dtype::F16, 2},
    {"torch.BFloat16Storage", "torch.bfloat16", Dtype::BF16, 2},
    {"torch.LongStorage", "torch.int64", Dtype::I64, 8},
    {"torch.IntStorage", "torch.int32", Dtype::I32, 4},
    {"torch.ShortStorage", "torch.int16", Dtype::I16, 2},
    {"torch.CharStorage", "torch.int8", Dtype::I8, 1},
    {"torch.ByteStorage", "torch.uint8", Dtype::U8, 1},
    {"torch.BoolStorage", "torch.bool", Dtype::BOOL, 1},
    {"torch.ComplexFloatStorage", "torch.complex64", Dtype::OTHER, 8, "C64"},
    {"torch.ComplexDoubleStorage", "torch.complex128", Dtype::OTHER, 16, "C128"},
    {"torch.QInt8Storage", "torch.qint8", Dtype::OTHER, 1, "qint8"},
    {"torch.QUInt8Storage", "torch.quint8", Dtype::OTHER, 1, "quint8"},
    {"torch.QInt32Storage", "torch.qint32", Dtype::OTHER, 4, "qint32"},
    {"torch.QUInt4x2Storage", "torch.quint4x2", Dtype::OTHER, 1, "quint4x2"},
    {"torch.QUInt2x4Storage", "torch.quint2x4", Dtype::OTHER, 1, "quint2x4"},
    {"torch.storage.UntypedStorage", "", Dtype::U8, 1},  // with the type in the tensor
    {"", "torch.uint16", Dtype::U16, 2},
    {"", "torch.uint32", Dtype::U32, 4},
    {"", "torch.uint64", Dtype::U64, 8},
    {"", "torch.complex32", Dtype::OTHER, 4, "C32"},
    {"", "torch.float8_e4m3fn", Dtype::F8_E4M3, 1},
    {"", "torch.float8_e5m2", Dtype::F8_E5M2, 1},
    {"", "torch.float8_e4m3fnuz", Dtype::OTHER, 1, "float8_e4m3fnuz"},
    {"", "torch.float8_e5m2fnuz", Dtype::OTHER, 1, "float8_e5m2fnuz"},
    {"", "torch.float8_e8m0fnu", Dtype::OTHER, 1, "F8_E8M0"},
    {"", "torch.float4_e2m1fn_x2", Dtype::OTHER, 1, "F4"},
};

/// How the functions that make tensors take their arguments.
enum class TorchMaker {
  strided,   // storage, offset, size, stride, ...; as seventh argument perhaps the element type
  wrapped,   // a tensor, ...
  subclass,  // function, class, its arguments, state
  other      // what is no strided tensor
};
struct TorchFunction {
  const char* name;
  TorchMaker maker;
  const char* what = "";  // it makes that is no strided tensor
};
inline constexpr TorchFunction torch_functions[] = {
    {"torch._utils._rebuild_tensor", TorchMaker::strided},
    {"torch._utils._rebuild_tensor_v2", TorchMaker::strided},
    {"torch._utils._rebuild_tensor_v3", TorchMaker::strided},
    {"torch._utils._rebuild_qtensor", TorchMaker::strided},
    {"torch._utils._rebuild_parameter", TorchMaker::wrapped},
    {"torch._utils._rebuild_parameter_with_state", TorchMaker::wrapped},
    {"torch._utils._rebuild_device_tensor_from_cpu_tensor", TorchMaker::wrapped},
    {"torch.nn.parameter.Parameter", TorchMaker::wrapped},
    {"torch._tensor._rebuild_from_type_v2", TorchMaker::subclass},
    {"torch.Tensor", TorchMaker::other, "a tensor of an old kind"},
    {"torch._utils._rebuild_sparse_tensor", TorchMaker::other, "a sparse tensor"},
    {"torch._utils._rebuild_meta_tensor_no_storage", TorchMaker::other, "a meta tensor"},
    {"torch._utils._rebuild_nested_tensor", TorchMaker::other, "a nested tensor"},
    {"torch._utils._rebuild_wrapper_subclass", TorchMaker::other, "a wrapped tensor"},
};

}  // namespace gloss::inline GLOSS_ABI::io::detail
