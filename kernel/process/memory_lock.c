/* Memory is never paged out: locking it is done already. */
#define DONE(name)                                                                                 \
    long ub_sys_##name(void);                                                                      \
    long ub_sys_##name(void)                                                                       \
    {                                                                                              \
        return 0;                                                                                  \
    }

DONE(mlock)
DONE(mlock2)
DONE(munlock)
DONE(mlockall)
DONE(munlockall)
