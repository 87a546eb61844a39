/*
 * epoll: a set of files, and the list of those that may be ready.
 *
 * An item joins its file's queue of changes for as long as it is in the set; a change puts it on
 * the ready list. Collecting takes items off the list, asks the file what holds now, reports it,
 * and puts level-triggered items that reported something back.
 *
 * Two locks: the mutex guards the set and is held while files are asked; the scheduler lock guards
 * the ready list, because changes come from callbacks. An item does not keep its file open.
 */
#include <string.h>
#include <sys/epoll.h>

#include <unibuild/memory.h>
#include <unibuild/poll.h>
#include <unibuild/scheduler.h>

#define DEPTH_MAXIMUM 5 /* of epoll sets inside epoll sets */
#define ALWAYS ((unsigned)(EPOLLERR | EPOLLHUP))
#define CONTROL ((unsigned)(EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE))

struct item {
    struct ub_wait_entry entry; /* in file->changes */
    struct epoll *epoll;
    struct ub_file *file;
    struct item *next; /* of the same descriptor number */
    int descriptor;
    unsigned events; /* 0: switched off by EPOLLONESHOT */
    epoll_data_t data;
    struct item *ready_next;
    bool ready;
};

struct epoll {
    struct ub_file file;
    struct ub_mutex lock;
    struct item **items; /* by descriptor number */
    unsigned size;
    struct item *ready_first;
    struct item *ready_last;
    size_t ready_count;
    int above; /* sets that this one is inside of, one in another, at most */
};

/* Taken before a set's own lock: while it is held no circle of sets can come about, and no set
 * can go away. */
static struct ub_mutex nesting_lock;

static const struct ub_file_operations operations;

static void ready_append_locked(struct item *item)
{
    struct epoll *epoll = item->epoll;
    if (item->ready) {
        return;
    }
    item->ready = true;
    item->ready_next = NULL;
    *(epoll->ready_first == NULL ? &epoll->ready_first : &epoll->ready_last->ready_next) = item;
    epoll->ready_last = item;
    epoll->ready_count++;
}

static struct item *ready_take(struct epoll *epoll)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    struct item *item = epoll->ready_first;
    if (item != NULL) {
        epoll->ready_first = item->ready_next;
        epoll->ready_count--;
        item->ready = false;
    }
    ub_lock_release(&ub_scheduler_lock, flags);
    return item;
}

static void ready_remove_locked(struct item *item)
{
    struct epoll *epoll = item->epoll;
    struct item *before = NULL;
    if (!item->ready) {
        return;
    }
    for (struct item *other = epoll->ready_first; other != item; other = other->ready_next) {
        before = other;
    }
    *(before == NULL ? &epoll->ready_first : &before->ready_next) = item->ready_next;
    if (epoll->ready_last == item) {
        epoll->ready_last = before;
    }
    epoll->ready_count--;
    item->ready = false;
}

/* The file changed. Waiters of the set were woken already when the item is on the list. */
static bool item_wake(struct ub_wait_entry *entry)
{
    struct item *item = (struct item *)entry;
    if (item->events != 0 && !item->ready) {
        ready_append_locked(item);
        ub_wake_all_locked(&item->epoll->file.changes);
    }
    return false;
}

static unsigned item_mask(const struct item *item)
{
    struct ub_file *file = item->file;
    return file->operations->poll(file) & ((item->events & ~CONTROL) | ALWAYS);
}

/* After ADD and MOD: what holds already counts as a change. */
static void item_check(struct item *item)
{
    if (item_mask(item) != 0) {
        unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
        (void)item_wake(&item->entry);
        ub_lock_release(&ub_scheduler_lock, flags);
    }
}

static struct item *item_find(const struct epoll *epoll, int descriptor, const struct ub_file *file)
{
    struct item *item = (unsigned)descriptor < epoll->size ? epoll->items[descriptor] : NULL;
    while (item != NULL && item->file != file) {
        item = item->next;
    }
    return item;
}

static void item_remove(struct item *item)
{
    struct item **link = &item->epoll->items[item->descriptor];
    while (*link != item) {
        link = &(*link)->next;
    }
    *link = item->next;
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    ub_wait_entry_leave_locked(&item->entry);
    ready_remove_locked(item);
    ub_lock_release(&ub_scheduler_lock, flags);
    ub_heap_free(item);
}

static bool grow(struct epoll *epoll, int descriptor)
{
    unsigned size = epoll->size == 0 ? 16 : epoll->size;
    while (size <= (unsigned)descriptor) {
        size *= 2;
    }
    if (size == epoll->size) {
        return true;
    }
    struct item **items = ub_heap_allocate_zeroed(size * sizeof(struct item *));
    if (items == NULL) {
        return false;
    }
    if (epoll->size > 0) {
        memcpy(items, epoll->items, epoll->size * sizeof(struct item *));
    }
    ub_heap_free(epoll->items);
    epoll->items = items;
    epoll->size = size;
    return true;
}

static int item_add(struct epoll *epoll, int descriptor, struct ub_file *file,
                    const struct epoll_event *event)
{
    struct item *item = ub_heap_allocate_zeroed(sizeof *item);
    if (item == NULL || !grow(epoll, descriptor)) {
        ub_heap_free(item);
        return -ENOMEM;
    }
    item->entry.wake = item_wake;
    item->epoll = epoll;
    item->file = file;
    item->descriptor = descriptor;
    item->events = event->events | ALWAYS;
    item->data = event->data;
    item->next = epoll->items[descriptor];
    epoll->items[descriptor] = item;
    ub_wait_entry_join(&file->changes, &item->entry);
    item_check(item);
    return 0;
}

static void item_modify(struct item *item, const struct epoll_event *event)
{
    unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
    item->events = event->events | ALWAYS;
    item->data = event->data;
    ub_lock_release(&ub_scheduler_lock, flags);
    item_check(item);
}

/* Whether `file`, which would be so deep, leads to `epoll`, or too deep to follow. */
static bool leads_to(struct ub_file *file, struct epoll *epoll, int depth)
{
    bool found = false;
    if (file->operations != &operations) {
        return false;
    }
    if (file == &epoll->file || depth >= DEPTH_MAXIMUM) {
        return true;
    }
    struct epoll *inner = (struct epoll *)file;
    ub_mutex_lock(&inner->lock);
    for (unsigned i = 0; i < inner->size && !found; i++) {
        for (struct item *item = inner->items[i]; item != NULL && !found; item = item->next) {
            found = leads_to(item->file, epoll, depth + 1);
        }
    }
    ub_mutex_unlock(&inner->lock);
    return found;
}

/*
 * A set that joined another one is deeper now, and what is in it. It stays so when it leaves again:
 * too deep a chain of wakes would need more stack than there is, too early a refusal does no harm.
 */
static void sink(struct ub_file *file, int depth)
{
    struct epoll *inner = (struct epoll *)file;
    if (file->operations != &operations || inner->above >= depth) {
        return;
    }
    inner->above = depth;
    ub_mutex_lock(&inner->lock);
    for (unsigned i = 0; i < inner->size; i++) {
        for (const struct item *item = inner->items[i]; item != NULL; item = item->next) {
            sink(item->file, depth + 1);
        }
    }
    ub_mutex_unlock(&inner->lock);
}

static long control(struct epoll *epoll, long operation, int descriptor, struct ub_file *file,
                    const struct epoll_event *event)
{
    struct item *item = item_find(epoll, descriptor, file);
    if (operation == EPOLL_CTL_ADD) {
        return item != NULL ? -EEXIST : item_add(epoll, descriptor, file, event);
    }
    if (item == NULL) {
        return -ENOENT;
    }
    if (operation == EPOLL_CTL_DEL) {
        item_remove(item);
        return 0;
    }
    item_modify(item, event);
    return 0;
}

/* EPOLLEXCLUSIVE goes with few other bits, is chosen once, and is not for sets. */
static bool exclusive_allowed(long operation, const struct ub_file *file,
                              const struct epoll_event *event)
{
    const unsigned others = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP;
    if (operation == EPOLL_CTL_DEL || (event->events & EPOLLEXCLUSIVE) == 0) {
        return true;
    }
    return operation == EPOLL_CTL_ADD && file->operations != &operations &&
           (event->events & ~(others | CONTROL)) == 0 && (event->events & EPOLLONESHOT) == 0;
}

static long control_checked(struct ub_file *set, long operation, int descriptor,
                            struct ub_file *file, const struct epoll_event *event)
{
    struct epoll *epoll = (struct epoll *)set;
    bool nested = operation == EPOLL_CTL_ADD && file->operations == &operations;
    if (file->operations->poll == NULL) {
        return -EPERM;
    }
    if (set->operations != &operations || set == file || operation < EPOLL_CTL_ADD ||
        operation > EPOLL_CTL_MOD || !exclusive_allowed(operation, file, event)) {
        return -EINVAL;
    }
    if (nested) {
        ub_mutex_lock(&nesting_lock);
        if (leads_to(file, epoll, epoll->above + 1)) {
            ub_mutex_unlock(&nesting_lock);
            return -ELOOP;
        }
    }
    ub_mutex_lock(&epoll->lock);
    long result = control(epoll, operation, descriptor, file, event);
    ub_mutex_unlock(&epoll->lock);
    if (nested) {
        if (result == 0) {
            sink(file, epoll->above + 1);
        }
        ub_mutex_unlock(&nesting_lock);
    }
    return result;
}

long ub_sys_epoll_ctl(long set_descriptor, long operation, long descriptor,
                      const struct epoll_event *event)
{
    struct ub_file *set = ub_file_get(set_descriptor);
    struct ub_file *file = ub_file_get(descriptor);
    long result = -EBADF;
    if (set != NULL && file != NULL) {
        result = control_checked(set, operation, (int)descriptor, file, event);
    }
    if (file != NULL) {
        ub_file_put(file);
    }
    if (set != NULL) {
        ub_file_put(set);
    }
    return result;
}

/* One pass over what is on the ready list now. The mutex is held. */
static long collect(struct epoll *epoll, struct epoll_event *events, long maximum)
{
    long count = 0;
    for (size_t left = epoll->ready_count; left > 0 && count < maximum; left--) {
        struct item *item = ready_take(epoll);
        if (item == NULL) {
            break;
        }
        unsigned mask = item->events != 0 ? item_mask(item) : 0;
        if (mask == 0) {
            continue;
        }
        events[count++] = (struct epoll_event){.events = mask, .data = item->data};
        if (item->events & EPOLLONESHOT) {
            item->events = 0;
        } else if (!(item->events & EPOLLET)) {
            unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
            ready_append_locked(item);
            ub_lock_release(&ub_scheduler_lock, flags);
        }
    }
    return count;
}

static long wait(struct epoll *epoll, struct epoll_event *events, long maximum,
                 uint64_t deadline_ns)
{
    int error = 0;
    for (;;) {
        ub_mutex_lock(&epoll->lock);
        long count = collect(epoll, events, maximum);
        ub_mutex_unlock(&epoll->lock);
        if (count > 0 || deadline_ns == 0 || error != 0) {
            return count == 0 && error == -EINTR ? -EINTR : count;
        }
        unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
        while (epoll->ready_first == NULL && error == 0) {
            error = ub_thread_interrupted() ? -EINTR
                                            : ub_wait_locked(&epoll->file.changes, deadline_ns);
        }
        ub_lock_release(&ub_scheduler_lock, flags);
    }
}

long ub_epoll_wait(int set_descriptor, struct epoll_event *events, int maximum,
                   uint64_t deadline_ns)
{
    struct ub_file *set = ub_file_get(set_descriptor);
    if (set == NULL) {
        return -EBADF;
    }
    long result = set->operations == &operations && maximum > 0
                      ? wait((struct epoll *)set, events, maximum, deadline_ns)
                      : -EINVAL;
    ub_file_put(set);
    return result;
}

/* A set is itself readable when an item of it is ready. */
static unsigned epoll_poll(struct ub_file *file)
{
    struct epoll *epoll = (struct epoll *)file;
    unsigned mask = 0;
    ub_mutex_lock(&epoll->lock);
    for (size_t left = epoll->ready_count; left > 0 && mask == 0; left--) {
        struct item *item = ready_take(epoll);
        if (item != NULL && item->events != 0 && item_mask(item) != 0) {
            mask = EPOLLIN | EPOLLRDNORM;
            unsigned long flags = ub_lock_acquire(&ub_scheduler_lock);
            ready_append_locked(item);
            ub_lock_release(&ub_scheduler_lock, flags);
        }
    }
    ub_mutex_unlock(&epoll->lock);
    return mask;
}

static void epoll_close(struct ub_file *file)
{
    struct epoll *epoll = (struct epoll *)file;
    ub_mutex_lock(&nesting_lock);
    ub_mutex_lock(&epoll->lock);
    for (unsigned i = 0; i < epoll->size; i++) {
        while (epoll->items[i] != NULL) {
            item_remove(epoll->items[i]);
        }
    }
    ub_mutex_unlock(&epoll->lock);
    ub_mutex_unlock(&nesting_lock);
    ub_heap_free(epoll->items);
    ub_heap_free(epoll);
}

/* Nobody else has a reference, so the entries that are left are all items of sets. */
void ub_epoll_forget(struct ub_file *file)
{
    ub_mutex_lock(&nesting_lock);
    while (file->changes.first != NULL) {
        struct item *item = (struct item *)file->changes.first;
        struct epoll *epoll = item->epoll;
        ub_mutex_lock(&epoll->lock);
        item_remove(item);
        ub_mutex_unlock(&epoll->lock);
    }
    ub_mutex_unlock(&nesting_lock);
}

static const struct ub_file_operations operations = {
    .poll = epoll_poll,
    .close = epoll_close,
};

long ub_sys_epoll_create1(long flags)
{
    if (flags & ~(long)EPOLL_CLOEXEC) {
        return -EINVAL;
    }
    struct epoll *epoll = ub_heap_allocate_zeroed(sizeof *epoll);
    if (epoll == NULL) {
        return -ENOMEM;
    }
    epoll->file.operations = &operations;
    epoll->file.flags = O_RDWR;
    epoll->file.references = 1;
    int descriptor = ub_file_install(&epoll->file, (unsigned)flags);
    if (descriptor < 0) {
        ub_file_put(&epoll->file);
    }
    return descriptor;
}
