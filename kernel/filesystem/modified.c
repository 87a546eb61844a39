/* Files that were written through memory get their times when somebody asks for it (msync). */
#include <sys/stat.h>

#include <unibuild/filesystem.h>

void ub_file_modified(struct ub_file *file)
{
    struct ub_node *node = ub_file_node(file);
    if (node != NULL && node->system != NULL && node->system->change != NULL) {
        struct ub_change change = {.what = UB_CHANGE_MODIFIED, .modified = {.tv_nsec = UTIME_NOW}};
        ub_tree_lock();
        (void)node->system->change(node, &change);
        ub_tree_unlock();
    }
}
