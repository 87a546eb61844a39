/* socket(2). */
#include <unibuild/linux_call.h>

long ub_sys_socket(long domain, long type, long protocol);

/* Programs made for Linux ask for interfaces with AF_NETLINK sockets: this has them linked. */
struct ub_socket *ub_netlink_create(void);
__attribute__((used)) static struct ub_socket *(*const netlink)(void) = ub_netlink_create;

UB_LINUX_CALL(socket)
{
    return ub_sys_socket((int)ub_argument(frame, 0), (int)ub_argument(frame, 1),
                         (int)ub_argument(frame, 2));
}
