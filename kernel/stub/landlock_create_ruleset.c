#include "stub.h"

UB_STUB(landlock_create_ruleset)
