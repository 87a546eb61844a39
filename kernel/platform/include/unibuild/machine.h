/* How the machine is stopped: each platform's own way, so each platform defines it. */
#ifndef UNIBUILD_MACHINE_H
#define UNIBUILD_MACHINE_H

/* Stops the machine without a word (power off, else reset). May be called at any time. */
_Noreturn void ub_machine_stop(void);

#endif
