#ifndef WEFT_OPS_SQUEEZE_EXCITATION_H_
#define WEFT_OPS_SQUEEZE_EXCITATION_H_

#include <string>
#include <vector>

namespace weft {

// What SqueezeExcitation may use as its activation, every one of a single input, and as its gate.
const std::vector<std::string>& SqueezeActivations();
const std::vector<std::string>& SqueezeGates();

}  // namespace weft

#endif  // WEFT_OPS_SQUEEZE_EXCITATION_H_
