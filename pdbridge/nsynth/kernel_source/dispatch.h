// Which instructions there are: compiled into this library, and on this processor.

#ifndef PDBRIDGE_DISPATCH_H
#define PDBRIDGE_DISPATCH_H

#include "arithmetic.h"

namespace pdbridge {

bool compiled(int instruction_set);

// By the processor, and by the operating system, which has to keep its registers.
bool supported(int instruction_set);

// NULL where the instruction set is missing or has nothing of its own for the precision.
const Arithmetic* table(int precision, int instruction_set);

}  // namespace pdbridge
#endif
