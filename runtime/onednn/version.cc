#include "runtime/onednn/version.h"

#include "absl/strings/str_cat.h"
#include "oneapi/dnnl/dnnl.hpp"

namespace weft {

std::string DnnlVersion() {
  const dnnl_version_t& version = *dnnl_version();
  return absl::StrCat(version.major, ".", version.minor, ".", version.patch, " isa ",
                      static_cast<int>(dnnl_get_effective_cpu_isa()));
}

}  // namespace weft
