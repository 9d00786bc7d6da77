#ifndef WEFT_FRONTEND_TRAIN_KERNEL_CHOICES_H_
#define WEFT_FRONTEND_TRAIN_KERNEL_CHOICES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace weft {

// TrainingState::kernel_choices: what training plans run, since other kernels give other last bits.
// "BATCH/STEP" -> "IMPLEMENTATION (LAYOUTS) -> (LAYOUTS)", with the size of the batch, since each
// has a plan of its own: Plan::choices.
using RecordedChoices = std::map<std::string, std::string>;

// Replaces what is known of batches of this size.
void RecordChoices(const Plan& plan, int64_t batch, RecordedChoices* choices);

// Gives a plan of a size that was recorded the kernels of then, any other what `otherwise`, which
// may be null, says. The size is that of the first axis of the input `examples`. `recorded` has to
// outlive it.
std::shared_ptr<ChoiceSource> ChoicesAsRecorded(const RecordedChoices& recorded,
                                                std::string examples,
                                                std::shared_ptr<ChoiceSource> otherwise);

// Steps of which `before` says something else than `plan`, one line each.
std::vector<std::string> ChangesOf(const RecordedChoices& before, const Plan& plan, int64_t batch);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_KERNEL_CHOICES_H_
