#include "stub.h"

UB_STUB(process_vm_writev)
