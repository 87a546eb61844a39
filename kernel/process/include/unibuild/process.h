/*
 * What a program may ask about itself and its machine. There is one process, 1, of one user, root,
 * on one processor.
 *
 * Answered: getpid getppid getpgid getsid getuid geteuid getgid getegid getresuid getresgid
 *   getgroups, uname, sysinfo, getrlimit and prlimit64, getrusage, times, umask, getcpu,
 *   sched_getaffinity, sched_getscheduler, sched_getparam, sched_get_priority_max/min, getpriority.
 * Kept and told, and nothing else changes: setrlimit and prlimit64 (setting).
 * Accepted and ignored (the answer is 0, nothing changes): prctl(PR_SET_NAME), sched_setaffinity,
 * sched_setscheduler, sched_setparam, setpriority, setuid setgid setgroups setresuid setresgid for
 * root itself, setsid, setpgid, mlock family. Refused: becoming another user is -EPERM; making,
 * running or awaiting a process is -ENOSYS or -ECHILD.
 */
#ifndef UNIBUILD_PROCESS_H
#define UNIBUILD_PROCESS_H

#define UB_PROCESS_ID 1

/* The permissions that new files do not get; whoever makes files refers to it weakly (022). */
int ub_process_umask(void);

#endif
