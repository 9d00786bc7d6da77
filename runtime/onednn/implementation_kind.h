#ifndef WEFT_RUNTIME_ONEDNN_IMPLEMENTATION_KIND_H_
#define WEFT_RUNTIME_ONEDNN_IMPLEMENTATION_KIND_H_

#include <string_view>

namespace weft {

// What an implementation is, by the name that the library gives it ("brgconv:avx512_core").
enum class ImplementationKind {
  kGenerated,    // machine code for this very problem
  kBatchReduce,  // the same, as sums of small matrix products
  kWinograd,
  kMatrixProduct,  // through one large matrix product
  kReference,      // the library's plain loops
};
ImplementationKind KindOf(std::string_view implementation);

}  // namespace weft

#endif  // WEFT_RUNTIME_ONEDNN_IMPLEMENTATION_KIND_H_
