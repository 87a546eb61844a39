/* uname(2). The release is a Linux version, for programs that look whether a call can be there. */
#include <string.h>
#include <sys/utsname.h>

long ub_sys_uname(struct utsname *name)
{
    memset(name, 0, sizeof *name);
    strcpy(name->sysname, "Linux");
    strcpy(name->nodename, "unikernel");
    strcpy(name->release, "6.1.0-unibuild");
    strcpy(name->version, "unibuild");
    strcpy(name->machine, "x86_64");
    return 0;
}
