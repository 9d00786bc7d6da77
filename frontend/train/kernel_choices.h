#ifndef WEFT_FRONTEND_TRAIN_KERNEL_CHOICES_H_
#define WEFT_FRONTEND_TRAIN_KERNEL_CHOICES_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace weft {

// TrainingState::kernel_choices: what training plans run, since other kernels give other last bits.
// "BATCH/STEP" -> "IMPLEMENTATION (LAYOUTS) -> (LAYOUTS)", with the size of the batch, since each
// has a plan of its own, and the layouts of the step's inputs and outputs ("-" where one is not
// read). Steps that the planner added, and reference kernels, are left out.
using KernelChoices = std::map<std::string, std::string>;

// Replaces what is known of batches of this size.
void RecordChoices(const Plan& plan, int64_t batch, KernelChoices* choices);

// Steps of which `before` says something else than `plan`, one line each.
std::vector<std::string> ChangesOf(const KernelChoices& before, const Plan& plan, int64_t batch);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_KERNEL_CHOICES_H_
