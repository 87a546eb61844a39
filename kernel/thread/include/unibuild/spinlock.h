/* Former name of <unibuild/lock.h>. */
#ifndef UNIBUILD_SPINLOCK_H
#define UNIBUILD_SPINLOCK_H
#include <unibuild/lock.h>
#define ub_spinlock ub_lock
#define ub_spinlock_acquire ub_lock_acquire
#define ub_spinlock_release ub_lock_release
#endif
