/* Inside kernel/linux/file: flags of preadv2 and pwritev2 (RWF_HIPRI, RWF_DSYNC, RWF_SYNC) that ask
 * for what is so anyway. */
#ifndef UNIBUILD_LINUX_FILE_VECTOR_FLAGS_H
#define UNIBUILD_LINUX_FILE_VECTOR_FLAGS_H

#define UB_VECTOR_FLAGS_IGNORED 7U

#endif
